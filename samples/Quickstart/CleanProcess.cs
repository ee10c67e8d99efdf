using System.Collections;
using System.Diagnostics;
using System.Text;

namespace Quickstart;

/// <summary>.NET programs that are started with an environment made from nothing.</summary>
internal static class CleanProcess
{
    /// <summary>The variables that a .NET program needs to start. None is a secret.</summary>
    private static readonly string[] Needed = ["DOTNET_ROOT", "SystemRoot", "TEMP", "TMPDIR"];

    /// <param name="assembly">The program.</param>
    /// <param name="isPassedOn">True for the name of a further variable that the program is given.</param>
    internal static ProcessStartInfo Of(string assembly, Func<string, bool> isPassedOn)
    {
        var own = Environment.ProcessPath!;
        var isHosted = Path.GetFileNameWithoutExtension(own) == "dotnet";
        var start = new ProcessStartInfo(
            isHosted ? own : Path.ChangeExtension(assembly, Path.GetExtension(own)).TrimEnd('.')
        )
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        if (isHosted)
            start.ArgumentList.Add(assembly);
        start.Environment.Clear();
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            var name = (string)variable.Key;
            if (Needed.Contains(name) || isPassedOn(name))
                start.Environment[name] = (string?)variable.Value;
        }
        return start;
    }
}
