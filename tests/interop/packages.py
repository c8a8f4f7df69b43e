#!/usr/bin/env python3
"""The client's packages: what is in them, and a program that knows nothing but them."""

import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
import zipfile
from pathlib import Path

import servers
import suite

PACKAGES = servers.REPOSITORY / "artifacts" / "packages"
NAMES = ("Orleans.Coord.Primitives", "Orleans.Coord.Jute", "Orleans.Coord.Client", "Orleans.Coord.Recipes",
         "Orleans.Coord.Client.Hosting")
PROJECT = """<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <Nullable>enable</Nullable>
    <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
    <IsAotCompatible>true</IsAotCompatible>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Orleans.Coord.Recipes" Version="{version}" />
  </ItemGroup>
</Project>
"""
PROGRAM = """using Orleans.Coord.Client;
using Orleans.Coord.Recipes;

await using CoordClient client = await CoordClient.ConnectAsync(args[0]);
var mutex = new CoordLock(client, "/locks/first");
await using CoordHandle handle = await mutex.AcquireAsync();
Console.WriteLine($"held, token {handle.FencingToken}");
"""


def run(command, folder=servers.REPOSITORY, **environment):
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def version():
    return xml.parse(servers.REPOSITORY / "Directory.Build.props").findtext("PropertyGroup/Version")


def test_contents(_):
    """./coord pack makes packages with library, documentation, readme and icon, and symbol packages"""
    shutil.rmtree(PACKAGES, ignore_errors=True)
    run(["./coord", "pack"])
    for name in NAMES:
        with zipfile.ZipFile(PACKAGES / f"{name}.{version()}.nupkg") as package:
            files = package.namelist()
        for wanted in (f"lib/net10.0/{name}.dll", f"lib/net10.0/{name}.xml", "README.md", "icon.png"):
            assert wanted in files, (name, wanted, files)
        with zipfile.ZipFile(PACKAGES / f"{name}.{version()}.snupkg") as symbols:
            assert f"lib/net10.0/{name}.pdb" in symbols.namelist(), name


def test_first_lock(server):
    """a program with nothing but the package takes its first lock, with the analyzers for AOT on"""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        dotnet(folder, "build")
        answer = run(["dotnet", str(folder / "bin/Release/net10.0/first.dll"), server.address], folder)
        assert answer.startswith("held, token "), answer


def test_trimmed(server):
    """that program, trimmed to what it uses with warnings as errors, carries its own runtime and takes its lock"""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        dotnet(folder, "publish", "-r", "linux-x64", "--self-contained", "-o", str(folder / "out"),
               "-p:PublishTrimmed=true", "-p:TrimmerSingleWarn=false")
        answer = run([str(folder / "out" / "first"), server.address], folder)
        assert answer.startswith("held, token "), answer
        size = sum(file.stat().st_size for file in (folder / "out").iterdir())
        ours = sum(file.stat().st_size for file in (folder / "out").glob("Orleans.Coord.*.dll"))
        return f"{size >> 20} MiB with its runtime, {ours >> 10} KiB of them ours"


def dotnet(folder, command, *options):
    """Builds or publishes the program in a folder of its own."""
    (folder / "first.csproj").write_text(PROJECT.format(version=version()))
    (folder / "Program.cs").write_text(PROGRAM)
    # Packages restored before serve as a source; ours must come from this build.
    environment = {"NUGET_PACKAGES": str(folder / "restored"), "DOTNET_CLI_TELEMETRY_OPTOUT": "1"}
    run(["dotnet", command, "-c", "Release", "--nologo", "-v", "quiet", *options,
         f"-p:RestoreAdditionalProjectSources={PACKAGES}",
         f"-p:RestoreFallbackFolders={Path.home() / '.nuget' / 'packages'}"], folder, **environment)


def main():
    parser = suite.arguments(__doc__)
    parser.add_argument("--long", action="store_true", help="publish a trimmed program as well")
    options = parser.parse_args()
    tests = [test_contents, test_first_lock] + ([test_trimmed] if options.long else [])
    report = suite.Report("packages")
    with servers.Server(options.server) as server:
        suite.run_tests(report, options.match, tests, server)
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
