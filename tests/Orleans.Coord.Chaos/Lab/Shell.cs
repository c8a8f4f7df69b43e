using System.Diagnostics;

namespace Orleans.Coord.Chaos.Lab;

/// <summary>Runs the system's own tools.</summary>
internal static class Shell
{
    /// <summary>Runs a command line of plain words to its end.</summary>
    /// <exception cref="LabException">It cannot be run, or ends with an error; carries what it printed.</exception>
    public static void Run(string command)
    {
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(words[0], words[1..])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            })!;
            string said = process.StandardError.ReadToEnd() + process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
            {
                throw new LabException($"`{command}` ended with code {process.ExitCode}: {said.Trim()}");
            }
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new LabException($"`{command}` cannot be run: {e.Message}", e);
        }
    }

    /// <summary>Sends a signal; a process that has ended by itself is no error.</summary>
    /// <param name="signal">Its name, for instance <c>KILL</c>.</param>
    /// <param name="pid">The process.</param>
    public static void Signal(string signal, int pid)
    {
        try
        {
            Run($"kill -{signal} {pid}");
        }
        catch (LabException e) when (e.Message.Contains("No such process", StringComparison.Ordinal))
        {
            // It has ended.
        }
    }
}

/// <summary>The lab itself, not what is tested in it, does not work.</summary>
internal sealed class LabException(string message, Exception? inner = null) : Exception(message, inner);
