using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Http;

/// <summary>What a sink's options and this process's environment say of the way to the server.</summary>
internal sealed class HandlerDraft
{
    private readonly TimeSpan _connectTimeout;
    private readonly CaBundle _trust;
    private readonly ProxyRules _proxies;

    /// <summary>Reads the CA bundle and the proxies.</summary>
    internal HandlerDraft(PresignedS3ExportSinkOptions options)
        : this(options.ConnectTimeout, options.CaBundle) { }

    /// <summary>Reads the CA bundle and the proxies.</summary>
    internal HandlerDraft(TimeSpan connectTimeout, string? caBundle)
    {
        _connectTimeout = connectTimeout;
        _trust = CaBundle.Load(caBundle, out var bundleProblem);
        var proxies = EnvironmentSnapshot.ProxiesOfProcess();
        _proxies = proxies.Rules;
        Problems = [bundleProblem, .. proxies.Problems.Select(problem => problem.Message)];
    }

    /// <summary>What is wrong with them; nulls for what is right.</summary>
    internal string?[] Problems { get; }

    /// <summary>The handler. There are no <see cref="Problems"/>, and the options have been checked.</summary>
    internal SocketsHttpHandler Create() => S3Handler.Create(_connectTimeout, _trust, _proxies);
}
