using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;
using CellOS.Export.S3.Urls;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3;

/// <summary>What the options of an S3 sink describe, with the files that they name, before a sink is made of it.</summary>
internal sealed class SinkDraft
{
    private readonly PresignedS3ExportSinkOptions _options;
    private readonly HttpMessageInvoker? _http;
    private readonly BrokerEndpoint? _endpoint;
    private readonly UrlCommand? _command;
    private readonly HandlerDraft? _handler;
    private readonly ManifestFile? _manifest;
    private readonly Checked<Target> _target;

    /// <param name="options">What the caller wrote down.</param>
    /// <param name="http">The caller's client; null for one of the sink's own.</param>
    internal SinkDraft(PresignedS3ExportSinkOptions options, HttpMessageInvoker? http)
    {
        _options = options;
        _http = http;
        var clientProblem = http is HttpClient client
            ? ForeignClient.Problem(client, options.RequestTimeout)
            : null;
        _endpoint = Endpoint(options, out var brokerProblem);
        _command = Command(options, out var commandProblem);
        // A broker is reached as the store is, even if the store is reached by another client.
        _handler = http is null || _endpoint is not null ? new HandlerDraft(options) : null;
        _manifest = string.IsNullOrWhiteSpace(options.PresignedUrlsFile)
            ? null
            : new ManifestFile(options.PresignedUrlsFile);
        _target = SinkTarget.Check(
            options,
            [clientProblem, .. _handler?.Problems ?? [], _manifest?.Problem(), brokerProblem, commandProblem]
        );
    }

    /// <summary>All that is wrong; empty if a sink can be made.</summary>
    internal IReadOnlyList<string> Problems => _target.Problems;

    /// <param name="time">The clock; the system's if null.</param>
    /// <param name="logger">Takes the standard error of a URL command; none if null.</param>
    /// <exception cref="ArgumentException">There are <see cref="Problems"/>; the message has all of them.</exception>
    internal SinkParts Create(TimeProvider? time, ILogger? logger)
    {
        var target = _target.Accept("options");
        IPresignedUrlProvider? owned =
            _endpoint is not null
                ? new HttpPresignedUrlProvider(
                    _endpoint,
                    string.IsNullOrWhiteSpace(_options.BrokerTokenFile) ? null : _options.BrokerTokenFile,
                    _options.RequestTimeout,
                    _handler!.Create(),
                    time
                )
            : _command is not null
                ? new CommandPresignedUrlProvider(_command, _options.RequestTimeout, time, logger)
            : null;
        var provider =
            owned
            ?? _options.UrlProvider
            ?? (_options.PresignedUrlProvider is { } callback ? new DelegateUrlProvider(callback) : null);
        return new SinkParts(
            target,
            provider is null ? _manifest : new UrlProvider(provider),
            _http ?? new HttpMessageInvoker(_handler!.Create()),
            _http is null,
            owned as IDisposable,
            AsksCommand: _command is not null
        );
    }

    private static BrokerEndpoint? Endpoint(PresignedS3ExportSinkOptions options, out string? problem)
    {
        problem = null;
        if (string.IsNullOrWhiteSpace(options.BrokerUrl))
        {
            if (!string.IsNullOrWhiteSpace(options.BrokerTokenFile))
                problem = "Nothing reads BrokerTokenFile. Set BrokerUrl as well, or remove it.";
            return null;
        }

        var endpoint = BrokerEndpointModule.Parse(options.BrokerUrl);
        problem = endpoint.IsError ? endpoint.ErrorValue.Message : null;
        return endpoint.IsOk ? endpoint.ResultValue : null;
    }

    private static UrlCommand? Command(PresignedS3ExportSinkOptions options, out string? problem)
    {
        problem = null;
        if (options.UrlCommand is null)
            return null;

        var command = UrlCommandModule.Create(options.UrlCommand);
        problem = command.IsError ? command.ErrorValue.Message : null;
        return command.IsOk ? command.ResultValue : null;
    }
}
