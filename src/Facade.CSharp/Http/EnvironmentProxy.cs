using System.Net;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Http;

/// <summary>
/// Tells the handler which proxy a request goes through, as the core decided, and gives that proxy its credentials.
/// The handler takes an exception from here for leave to go without a proxy, so nothing here throws.
/// </summary>
internal sealed class EnvironmentProxy(ProxyRules rules) : IWebProxy, ICredentials
{
    /// <summary>
    /// The path has no meaning to a proxy. It tells <see cref="GetCredential"/> apart what is asked for: the handler
    /// names the proxy by the URI that it got from here.
    /// </summary>
    private const string TunnelPath = "/tunnel";

    /// <summary>Asked for when a proxy wants to know who it is.</summary>
    /// <exception cref="NotSupportedException">Credentials come from the proxy's URL alone.</exception>
    public ICredentials? Credentials
    {
        get => this;
        set => throw new NotSupportedException();
    }

    public bool IsBypassed(Uri host) => ProxyFor(host) is null;

    public Uri? GetProxy(Uri destination)
    {
        if (ProxyFor(destination) is not { } proxy)
            return null;

        var inTunnel = destination.Scheme == Uri.UriSchemeHttps;
        ProxyRoute.Current?.Through(proxy, inTunnel);
        return ToUri(proxy, inTunnel);
    }

    /// <summary>
    /// User name and password for a tunnel, and for SOCKS. A proxy that reads requests got them with the request: it
    /// asks for others, and there are none.
    /// </summary>
    public NetworkCredential? GetCredential(Uri uri, string authType)
    {
        var asked = authType switch
        {
            "Basic" when uri.AbsolutePath == TunnelPath => rules.Https?.Value,
            "socks4" or "socks4a" or "socks5" => uri.AbsolutePath == TunnelPath
                ? rules.Https?.Value
                : rules.Http?.Value,
            _ => null,
        };
        return asked is { HasCredentials: true }
            ? new NetworkCredential(ProxyModule.RevealUserName(asked), ProxyModule.RevealPassword(asked))
            : null;
    }

    private Proxy? ProxyFor(Uri destination) =>
        ProxyRulesModule.ProxyFor(destination.Scheme, destination.IdnHost, rules)?.Value;

    private static Uri ToUri(Proxy proxy, bool inTunnel) => new($"{proxy}{(inTunnel ? TunnelPath : "/")}");
}
