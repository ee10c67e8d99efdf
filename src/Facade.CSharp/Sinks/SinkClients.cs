using CellOS.Export.S3.Core;
using CellOS.Export.S3.Urls;

namespace CellOS.Export.S3;

/// <summary>The clients of a host, which sinks use and do not dispose of.</summary>
/// <param name="Stores">What sends to stores.</param>
/// <param name="Endpoints">What sends to HTTP endpoints, by its connect timeout; null for a client of each sink's own.</param>
/// <param name="Brokers">What asks a broker, by its request timeout; null for a client of each cell's own.</param>
internal sealed record SinkClients(
    Func<HttpMessageInvoker> Stores,
    Func<TimeSpan, HttpMessageInvoker>? Endpoints = null,
    Func<UrlChoice.Broker, TimeSpan, HttpPresignedUrlProvider>? Brokers = null
);
