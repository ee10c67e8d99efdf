using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;

namespace CellOS.Export;

/// <summary>One file that is to be exported, and under which name.</summary>
public sealed record ExportArtifact
{
    /// <summary>An artifact whose properties are given one by one.</summary>
    public ExportArtifact() { }

    /// <summary>An artifact.</summary>
    /// <param name="name">The artifact's name: one or more path segments joined by <c>/</c>.</param>
    /// <param name="path">The file.</param>
    /// <param name="metadata">What is to be stored along with it; null for nothing.</param>
    [SetsRequiredMembers]
    public ExportArtifact(string name, string path, ExportArtifactMetadata? metadata = null)
    {
        Name = name;
        Path = path;
        Metadata = metadata;
    }

    /// <summary>The artifact's name within the cell: one or more path segments joined by <c>/</c>.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// The file; relative to <see cref="Root"/> if there is one. It must be a regular file, and stay as it is until its
    /// export has ended.
    /// </summary>
    public required string Path { get; init; }

    /// <summary>
    /// The folder that the file lies below. No folder between them may be a symbolic link when the file is opened;
    /// <see cref="Path"/> has <c>/</c> between its segments and contains neither <c>.</c> nor <c>..</c>. Default: none;
    /// folders above the file may be symbolic links.
    /// </summary>
    public ExportRoot? Root { get; init; }

    /// <summary>What is to be stored along with it. Default: nothing.</summary>
    public ExportArtifactMetadata? Metadata { get; init; }

    /// <summary>The file, with what is known of it.</summary>
    internal SourcePath Source
    {
        get => new(Path, Root, Watch);
        init => (Path, Root, Watch) = (value.Path, value.Root, value.Watch);
    }

    private SourceWatch? Watch { get; init; }

    /// <summary>Adds the properties to the text of <see cref="object.ToString" />. What may be a URL in the wrong place is masked.</summary>
    private bool PrintMembers(StringBuilder text)
    {
        text.Append(
                CultureInfo.InvariantCulture,
                $"Name = {Redaction.Plain(Name)}, Path = {Redaction.Plain(Path)}"
            )
            .Append(
                CultureInfo.InvariantCulture,
                $", Root = {(Root is null ? "" : Redaction.Plain(Root.Path))}"
            )
            .Append(CultureInfo.InvariantCulture, $", Metadata = {Metadata}");
        return true;
    }
}
