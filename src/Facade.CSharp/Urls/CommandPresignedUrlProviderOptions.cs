namespace CellOS.Export.S3;

/// <summary>What a <see cref="CommandPresignedUrlProvider"/> needs to know. It is checked when the provider is built.</summary>
public sealed class CommandPresignedUrlProviderOptions
{
    /// <summary>
    /// The program and its arguments, which it gets as they are: no shell runs. The program is a path, or a name that is
    /// looked up in <c>PATH</c>.
    /// </summary>
    public required IReadOnlyList<string> Command { get; set; }

    /// <summary>
    /// For one URL; a command that is silent for longer is ended, and the next request starts it again. Positive, at most
    /// 2,147,483,647 ms. Default: 30 s.
    /// </summary>
    public TimeSpan RequestTimeout { get; set; } =
        TimeSpan.FromMilliseconds(S3ExportTimeouts.DefaultRequestTimeoutMs);
}
