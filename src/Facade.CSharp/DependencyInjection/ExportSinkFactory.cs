using System.Collections.Concurrent;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3;

/// <summary>The factory of a host's container. Sinks of all cells share its clients.</summary>
internal sealed class ExportSinkFactory(
    S3ExportStartup startup,
    Func<HttpMessageInvoker> stores,
    TimeProvider? timeProvider
) : IExportSinkFactory, IDisposable
{
    private readonly ConcurrentDictionary<TimeSpan, Lazy<HttpMessageInvoker>> _endpoints = new();
    private readonly ConcurrentDictionary<
        (UrlChoice.Broker, TimeSpan),
        Lazy<HttpPresignedUrlProvider>
    > _brokers = new();

    public ExportSinks Create(string cellId)
    {
        ArgumentNullException.ThrowIfNull(cellId);
        return startup.CreateFor(
            cellId,
            configuration => new SinkClients(
                stores,
                timeout => Endpoint(configuration, timeout),
                (broker, timeout) => Broker(configuration, broker, timeout)
            )
        );
    }

    public void Dispose()
    {
        foreach (var client in _endpoints.Values)
            client.Value.Dispose();
        foreach (var client in _brokers.Values)
            client.Value.Dispose();
    }

    private HttpMessageInvoker Endpoint(S3ExportConfiguration configuration, TimeSpan connectTimeout) =>
        _endpoints
            .GetOrAdd(
                connectTimeout,
                timeout => new(() => new HttpMessageInvoker(configuration.CreateHandler(timeout)))
            )
            .Value;

    private HttpPresignedUrlProvider Broker(
        S3ExportConfiguration configuration,
        UrlChoice.Broker broker,
        TimeSpan requestTimeout
    ) =>
        _brokers
            .GetOrAdd(
                (broker, requestTimeout),
                _ =>
                    new(() =>
                        new HttpPresignedUrlProvider(
                            broker.Endpoint,
                            broker.TokenFile?.Value,
                            requestTimeout,
                            configuration.CreateHandler(),
                            timeProvider
                        )
                    )
            )
            .Value;
}
