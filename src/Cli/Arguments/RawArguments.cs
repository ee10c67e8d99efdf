using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary>
/// The arguments of the process as bytes. .NET replaces what is not valid UTF-8 by U+FFFD, so that an argument may
/// name another file than the one that was given.
/// </summary>
internal static class RawArguments
{
    /// <summary>Returns a sentence for each argument that is not valid UTF-8.</summary>
    /// <param name="arguments">The arguments of this process, as .NET gives them.</param>
    internal static IReadOnlyList<string> Problems(IReadOnlyList<string> arguments) =>
        Problems(arguments, OperatingSystem.IsLinux() ? CommandLineBytes : () => null);

    /// <param name="arguments">The arguments, as .NET gives them.</param>
    /// <param name="commandLine">
    /// Returns the whole command line, a NUL after each argument; null if that cannot be had. Programs such as
    /// <c>dotnet x.dll</c> come before the arguments.
    /// </param>
    internal static IReadOnlyList<string> Problems(IReadOnlyList<string> arguments, Func<byte[]?> commandLine)
    {
        if (arguments.All(argument => System.Text.Ascii.IsValid(argument)))
            return [];

        if (commandLine() is not { } bytes || Last(bytes, arguments.Count) is not { } raw)
            return [.. arguments.Where(argument => argument.Contains('\ufffd')).Select(Problem)];

        var problems = new List<string>();
        foreach (var argument in raw)
        {
            if (!Utf8Name.TryDecode(bytes.AsSpan(argument), out var text))
                problems.Add(Problem(text));
        }

        return problems;
    }

    /// <summary>The last arguments of a command line; null if it has fewer.</summary>
    private static List<Range>? Last(byte[] commandLine, int count)
    {
        var all = new List<Range>();
        for (var start = 0; start < commandLine.Length; )
        {
            var length = commandLine.AsSpan(start).IndexOf((byte)0);
            var end = length < 0 ? commandLine.Length : start + length;
            all.Add(start..end);
            start = end + 1;
        }

        return all.Count < count ? null : all[^count..];
    }

    private static byte[]? CommandLineBytes()
    {
        try
        {
            return File.ReadAllBytes("/proc/self/cmdline");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Problem(string argument) =>
        $"The argument '{Shown.Short(200, argument)}' is not valid UTF-8. Rename the file or the folder, and give its new name.";
}
