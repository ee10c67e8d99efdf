using System.ComponentModel.DataAnnotations;

namespace CellOS.Export.S3;

/// <summary>What a <see cref="LocalExportSink"/> needs to know. It is checked, all at once, when the sink is built.</summary>
public sealed class LocalExportSinkOptions
{
    /// <summary>
    /// The export folder, which has a folder for each cell. A relative path begins at the current folder. What is missing of
    /// it is made when the first artifact is exported, with the permissions 0700. It may be a symbolic link; nothing below it is.
    /// </summary>
    [Required]
    public required string Root { get; set; }

    /// <summary>
    /// The cell whose evidence this is: one path segment, at most 255 UTF-8 bytes, no <c>/</c>, <c>\</c> or control
    /// character, not <c>.</c> or <c>..</c>. Its folder has this name.
    /// </summary>
    [Required]
    public required string CellId { get; set; }

    /// <summary>
    /// The name of the target in the cell spec: it starts with a letter or digit, then letters, digits, <c>.</c>,
    /// <c>_</c>, <c>-</c>, without <c>..</c>; at most 128 characters. Default: none.
    /// </summary>
    public string? TargetName { get; set; }

    /// <summary>
    /// Replaces a file of the same name that has other content. Without this, such a push ends with
    /// <see cref="ExportFailureKind.AlreadyExists"/>. A file with the same content is a success in any case. Default: false.
    /// </summary>
    public bool Overwrite { get; set; }

    /// <summary>
    /// Reads each file back before it gets its name and compares its SHA-256, so that the receipt has the integrity
    /// <c>checksum-sha256</c>; without this, <c>unverified</c>. Default: true.
    /// </summary>
    public bool ReadBack { get; set; } = true;

    /// <summary>Takes the MD5 for the receipt, too. Default: false.</summary>
    public bool Md5 { get; set; }

    /// <summary>The largest artifact, in bytes: 0 or more, or null for no limit. Default: none.</summary>
    public long? MaxArtifactBytes { get; set; }
}
