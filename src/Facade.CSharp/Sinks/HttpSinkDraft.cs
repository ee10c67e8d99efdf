using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;

namespace CellOS.Export.S3;

/// <summary>What the options of an HTTP sink describe, before a sink is made of it.</summary>
internal sealed class HttpSinkDraft
{
    private readonly HttpMessageInvoker? _http;
    private readonly HandlerDraft? _handler;
    private readonly Checked<Target> _target;

    /// <param name="options">What the caller wrote down.</param>
    /// <param name="http">The caller's client; null for one of the sink's own.</param>
    internal HttpSinkDraft(HttpExportSinkOptions options, HttpMessageInvoker? http)
    {
        _http = http;
        var clientProblem = http is HttpClient client
            ? ForeignClient.Problem(client, options.RequestTimeout)
            : null;
        _handler = http is null ? new HandlerDraft(options.ConnectTimeout, options.CaBundle) : null;
        _target = SinkTarget.Check(options, [clientProblem, .. _handler?.Problems ?? []]);
    }

    /// <summary>All that is wrong; empty if a sink can be made.</summary>
    internal IReadOnlyList<string> Problems => _target.Problems;

    /// <exception cref="ArgumentException">There are <see cref="Problems"/>; the message has all of them.</exception>
    internal SinkParts Create() =>
        new(
            _target.Accept("options"),
            null,
            _http ?? new HttpMessageInvoker(_handler!.Create()),
            _http is null
        );
}
