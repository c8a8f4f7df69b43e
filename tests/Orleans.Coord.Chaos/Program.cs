// Runs an ensemble as real processes under load and faults, and holds it to its promises. Ends with code 0 when all
// were kept, 1 when one was broken, 2 when it was called wrongly and 3 when the machine does not permit the lab.
using Orleans.Coord.Chaos;
using Orleans.Coord.Chaos.Lab;

try
{
    return await Trial.RunAsync(Options.Parse(args)) ? 0 : 1;
}
catch (FormatException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
catch (LabException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}
