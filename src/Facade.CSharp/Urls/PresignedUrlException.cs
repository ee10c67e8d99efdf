namespace CellOS.Export.S3;

/// <summary>A source of URLs has none for an artifact. The message says why and what to do, without secrets.</summary>
/// <param name="message">One or more sentences; it must not contain a secret.</param>
public sealed class PresignedUrlException(string message) : Exception(message)
{
    /// <summary>
    /// True if the source may have a URL later. The sink then asks again, as often and after such waits as its retry
    /// options say, and ends the push with <see cref="ExportFailureKind.Unavailable"/> if there is none. Otherwise the
    /// push ends at once with <see cref="ExportFailureKind.UrlUnusable"/>. Default: false.
    /// </summary>
    public bool IsTransient { get; init; }

    /// <summary>
    /// The least time before the source should be asked again; the sink waits no longer than
    /// <see cref="PresignedS3ExportSinkOptions.MaxRetryBackoff"/>. Null if the source does not say. Default: null.
    /// </summary>
    public TimeSpan? RetryAfter { get; init; }
}
