namespace CellOS.Export.S3.Http;

/// <summary>The handler that this library sends with.</summary>
internal static class S3Handler
{
    /// <summary>
    /// Sends what it is told and nothing else: follows no redirect, keeps no cookie, adds no <c>traceparent</c>,
    /// decodes no body.
    /// </summary>
    internal static SocketsHttpHandler Create(TimeSpan connectTimeout, CaBundle trust) =>
        new()
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = System.Net.DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            ConnectTimeout = connectTimeout,
            // A host's address may change while a service lives for months.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            MaxResponseDrainSize = 64 * 1024,
            SslOptions = { RemoteCertificateValidationCallback = trust.Validate },
        };
}
