using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary>What <c>--header</c> gives, once for each header.</summary>
internal static class HeaderValues
{
    /// <summary>What every artifact is sent with; null for nothing.</summary>
    /// <param name="lines"><c>NAME: VALUE</c> each. Values may be credentials, and are in no sentence.</param>
    /// <param name="sentences">Takes what is wrong with them.</param>
    internal static ExportArtifactMetadata? Read(IReadOnlyList<string> lines, ICollection<string> sentences)
    {
        if (lines.Count == 0)
            return null;

        var parsed = HeaderLinesModule.Parse(lines);
        if (parsed.IsError)
        {
            foreach (var refusal in parsed.ErrorValue)
                sentences.Add($"--header: {refusal.Message}");
            return null;
        }

        return new ExportArtifactMetadata
        {
            ContentType = parsed.ResultValue.ContentType?.Value,
            Headers = parsed.ResultValue.Headers.ToDictionary(
                RequestHeaderModule.Name,
                RequestHeaderModule.Reveal
            ),
        };
    }
}
