using CellOS.Export.S3.Core;
using CellOS.Export.S3.Urls;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3;

/// <summary>What a sink is made of, all of it checked.</summary>
/// <param name="Target">What goes where.</param>
/// <param name="Urls">Where URLs come from, if the target has none.</param>
/// <param name="Http">What sends.</param>
/// <param name="OwnsHttp">Whether that ends with the sink.</param>
/// <param name="OwnedProvider">A source of URLs that ends with the sink; null for none.</param>
/// <param name="AsksCommand">True if a command gives the URLs.</param>
/// <param name="Spool">Where artifacts are kept that failed for a temporary reason; null to keep none.</param>
internal sealed record SinkParts(
    Target Target,
    IUrlSource? Urls,
    HttpMessageInvoker Http,
    bool OwnsHttp,
    IDisposable? OwnedProvider = null,
    bool AsksCommand = false,
    SpoolSettings? Spool = null
)
{
    /// <param name="options">What the caller wrote down.</param>
    /// <param name="http">The caller's client; null for one of the sink's own.</param>
    /// <param name="time">The clock; the system's if null.</param>
    /// <param name="logger">Takes the standard error of a URL command; none if null.</param>
    /// <exception cref="ArgumentException">One or more options are not valid; the message names all of them.</exception>
    internal static SinkParts From(
        PresignedS3ExportSinkOptions options,
        HttpMessageInvoker? http,
        TimeProvider? time = null,
        ILogger? logger = null
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        var draft = new SinkDraft(options, http);
        return draft.Create(time, logger);
    }

    /// <param name="options">What the caller wrote down.</param>
    /// <param name="http">The caller's client; null for one of the sink's own.</param>
    /// <exception cref="ArgumentException">One or more options are not valid; the message names all of them.</exception>
    internal static SinkParts From(HttpExportSinkOptions options, HttpMessageInvoker? http)
    {
        ArgumentNullException.ThrowIfNull(options);
        var draft = new HttpSinkDraft(options, http);
        return draft.Create();
    }
}
