using System.Net;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Http;

/// <summary>
/// Tells the handler which proxy a request goes through, as the core decided, and gives that proxy its credentials.
/// The handler takes an exception from here for leave to go without a proxy, so nothing here throws.
/// </summary>
internal sealed class EnvironmentProxy : IWebProxy, ICredentials
{
    /// <summary>
    /// The path has no meaning to a proxy. It tells <see cref="GetCredential"/> apart what is asked for: the handler
    /// names the proxy by the URI that it got from here.
    /// </summary>
    private const string TunnelPath = "/tunnel";

    private readonly ProxyRules _rules;
    private readonly Uri? _forHttp;
    private readonly Uri? _forHttps;

    internal EnvironmentProxy(ProxyRules rules)
    {
        _rules = rules;
        _forHttp = rules.Http is { Value: var http } ? new Uri($"{http}/") : null;
        _forHttps = rules.Https is { Value: var https } ? new Uri($"{https}{TunnelPath}") : null;
    }

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
        ReplyWatch.Current?.Route.Through(proxy, inTunnel);
        return inTunnel ? _forHttps : _forHttp;
    }

    /// <summary>
    /// User name and password for a tunnel, and for SOCKS. A proxy that reads requests got them with the request: it
    /// asks for others, and there are none.
    /// </summary>
    public NetworkCredential? GetCredential(Uri uri, string authType)
    {
        var isForTunnel = uri.AbsolutePath == TunnelPath;
        var asked = authType switch
        {
            "Basic" when isForTunnel => _rules.Https?.Value,
            "socks4" or "socks4a" or "socks5" => isForTunnel ? _rules.Https?.Value : _rules.Http?.Value,
            _ => null,
        };
        return asked is { HasCredentials: true }
            ? new NetworkCredential(ProxyModule.RevealUserName(asked), ProxyModule.RevealPassword(asked))
            : null;
    }

    /// <summary>The proxy on the way to a destination; null for none.</summary>
    internal Proxy? ProxyFor(Uri destination) =>
        ProxyRulesModule.ProxyFor(destination.Scheme, destination.IdnHost, _rules)?.Value;
}
