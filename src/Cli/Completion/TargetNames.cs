using System.CommandLine;
using System.CommandLine.Completions;

namespace CellOS.Export.S3.Cli.Completion;

/// <summary>The names of a spec's targets, for completion.</summary>
internal static class TargetNames
{
    /// <summary>Returns none if the spec cannot be used. It is not the place to say why: <c>check</c> does.</summary>
    /// <param name="parsed">The command line so far, which may lack what it needs.</param>
    /// <param name="option">The option that names the spec.</param>
    internal static IEnumerable<CompletionItem> Of(ParseResult parsed, Option<string> option)
    {
        var spec = parsed.GetResult(option)?.Tokens is [.., var token] ? token.Value : null;
        try
        {
            // A pipe, which has no length, is not read: the command itself will need what is in it.
            return spec is { Length: > 0 } && new FileInfo(spec) is { Exists: true, Length: > 0 }
                ? ExportSpec.Load(spec).TargetNames.Select(target => new CompletionItem(target))
                : [];
        }
        catch (Exception exception) when (exception is S3ExportConfigurationException or IOException)
        {
            return [];
        }
    }
}
