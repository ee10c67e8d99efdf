using System.Net.Http.Headers;
using System.Text;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Http;

/// <summary>
/// The way of one request, which <see cref="EnvironmentProxy"/> reports when the handler asks it for that way: only
/// the handler knows for certain which way a request goes.
/// </summary>
internal sealed class ProxyRoute(HttpRequestMessage request)
{
    /// <summary>The proxy that the request goes through; null if it goes straight to the server.</summary>
    internal Proxy? Proxy { get; private set; }

    /// <summary>
    /// The request goes through a proxy. One that reads the request itself is given its credentials with it: HttpClient
    /// would wait to be asked for them, which is after the whole body, and then send all of it again.
    /// </summary>
    internal void Through(Proxy proxy, bool inTunnel)
    {
        Proxy = proxy;
        if (!inTunnel && proxy is { SpeaksHttp: true, HasCredentials: true })
            request.Headers.ProxyAuthorization = Basic(proxy);
    }

    /// <summary>RFC 7617, 2 and 2.1: user name and password in UTF-8.</summary>
    private static AuthenticationHeaderValue Basic(Proxy proxy) =>
        new(
            "Basic",
            Convert.ToBase64String(
                Encoding.UTF8.GetBytes(
                    $"{ProxyModule.RevealUserName(proxy)}:{ProxyModule.RevealPassword(proxy)}"
                )
            )
        );
}
