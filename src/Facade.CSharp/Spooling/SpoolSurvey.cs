using System.Runtime.Versioning;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Local;

namespace CellOS.Export.S3.Spooling;

/// <summary>What a spool keeps, as far as it can be seen without changing it.</summary>
/// <param name="Folder">The path.</param>
/// <param name="Artifacts">The number of artifacts.</param>
/// <param name="Bytes">The bytes of their copies together.</param>
/// <param name="Oldest">When the oldest was spooled; null if there is none.</param>
/// <param name="Problems">What is wrong with it, a sentence each.</param>
/// <param name="Refusal">Why nothing can be kept there; null if it can.</param>
internal sealed record SpoolSurvey(
    string Folder,
    int Artifacts,
    long Bytes,
    DateTimeOffset? Oldest,
    IReadOnlyList<string> Problems,
    string? Refusal
)
{
    /// <summary>Looks at a spool. One that is not there keeps nothing.</summary>
    [SupportedOSPlatform("linux")]
    internal static SpoolSurvey Of(string path)
    {
        try
        {
            using var folder = SpoolFolder.TryOpen(path);
            return folder is null ? new SpoolSurvey(path, 0, 0, null, [], null) : Of(folder);
        }
        catch (SpoolRefusedException refused)
        {
            return new SpoolSurvey(path, 0, 0, null, [], refused.Message);
        }
        catch (Exception exception) when (SpoolRefusedException.IsFault(exception))
        {
            var refusal = SpoolRefusedException.RefusalOf(exception, path);
            return new SpoolSurvey(path, 0, 0, null, [], refusal.Message);
        }
    }

    [SupportedOSPlatform("linux")]
    private static SpoolSurvey Of(SpoolFolder folder)
    {
        var artifacts = 0;
        var bytes = 0L;
        DateTimeOffset? oldest = null;
        var problems = new List<string>();
        foreach (var name in folder.Entries())
        {
            SpoolFound? found;
            try
            {
                found = SpoolFiles.Look(folder, name);
            }
            catch (Exception exception) when (SpoolRefusedException.IsFault(exception))
            {
                var refusal = SpoolRefusedException.RefusalOf(exception, folder.Path);
                problems.Add($"Entry {name}: {refusal.Message}");
                continue;
            }

            // A push is about to write it, or was killed; the next drain removes that.
            if (found?.Note is not { Value: var noted })
                continue;
            artifacts++;
            if (noted.IsError)
            {
                problems.Add($"Entry {name}: {noted.ErrorValue.Message}");
                continue;
            }

            var note = noted.ResultValue;
            bytes += note.Bytes;
            if (oldest is null || note.SpooledAt < oldest)
                oldest = note.SpooledAt;
            if (!found.Content.Equals(SpoolContent.NewFile(note.Bytes)))
                problems.Add(
                    $"Entry {name}: the copy of '{Shown.Fitted(200, ArtifactNameModule.Value(note.ArtifactName))}' is missing or damaged."
                );
        }

        if (folder.Others() is { Count: > 0 } others)
            problems.Add($"It contains {ShownNames.List(others)}, which no spool makes.");
        return new SpoolSurvey(folder.Path, artifacts, bytes, oldest, problems, null);
    }
}
