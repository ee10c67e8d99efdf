using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary>
/// The variables of this tool as bytes. As with arguments, a path in a variable may name another file than the one
/// that was given.
/// </summary>
internal static class RawEnvironment
{
    private const string Prefix = "CELLOS_";

    /// <summary>Returns a sentence for each variable of this tool whose value is not valid UTF-8.</summary>
    internal static IReadOnlyList<string> Problems()
    {
        if (!OperatingSystem.IsLinux() || !Names().Any())
            return [];

        try
        {
            return Problems(File.ReadAllBytes("/proc/self/environ"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [.. Names().Select(Problem)];
        }
    }

    /// <param name="environment">The variables, a NUL after each.</param>
    internal static IReadOnlyList<string> Problems(ReadOnlySpan<byte> environment)
    {
        var problems = new List<string>();
        foreach (var range in environment.Split((byte)0))
        {
            var variable = environment[range];
            if (variable.StartsWith("CELLOS_"u8) && !Utf8Name.TryDecode(variable, out var text))
                problems.Add(Problem(text.Split('=')[0]));
        }

        return problems;
    }

    /// <summary>The variables that .NET may have replaced bytes in.</summary>
    private static IEnumerable<string> Names() =>
        from System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables()
        let name = (string)variable.Key
        where
            name.StartsWith(Prefix, StringComparison.Ordinal) && $"{name}{variable.Value}".Contains('\ufffd')
        select name;

    /// <summary>The value may be a credential.</summary>
    private static string Problem(string name) =>
        $"{Shown.Short(200, name)}: the value is not valid UTF-8. Correct it, or rename the file that it names.";
}
