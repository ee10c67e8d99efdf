using System.Net;
using System.Runtime.CompilerServices;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Http;

/// <summary>Makes one PUT, and reports what came of it.</summary>
internal sealed class PutTransport(HttpMessageInvoker http, TimeProvider time)
{
    /// <summary>Sends the file as the core's request says.</summary>
    /// <param name="put">The request.</param>
    /// <param name="source">The file.</param>
    /// <param name="onSent">Told how many bytes of the body are out; must not throw.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    internal async ValueTask<Outcome> SendAsync(
        PutRequest put,
        SourceFile source,
        Action<long>? onSent,
        CancellationToken cancellationToken
    )
    {
        // Whatever ends the attempt ends it through this one.
        using var any = new CancellationTokenSource(put.Timeout, time);
        await using var stall = new StallWatch(put.StallTimeout?.Value, time, any, put.ExpectContinue);
        using var caller = cancellationToken.UnsafeRegister(Cancel, any);
        while (true)
            if (
                await TrySendAsync(put, source, onSent, stall, any.Token, cancellationToken)
                    .ConfigureAwait(false) is
                { } outcome
            )
                return outcome;

        static void Cancel(object? any) => ((CancellationTokenSource)any!).Cancel();
    }

    /// <summary>Sends it; null if it was given a connection that can carry no other, of which there is one less now.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Outcome?> TrySendAsync(
        PutRequest put,
        SourceFile source,
        Action<long>? onSent,
        StallWatch stall,
        CancellationToken any,
        CancellationToken cancellationToken
    )
    {
        using var content = new SourceContent(source, put.Length, put.Digests, stall.Moved)
        {
            OnSent = onSent,
        };
        using var request = ToMessage(put, content);
        // For the flow of this method alone: the caller has another.
        var watch = ReplyWatch.Current = new ReplyWatch(content, stall, new ProxyRoute(request));
        content.End = watch;
        try
        {
            using var response = await SendAsync(request, any).ConfigureAwait(false);
            stall.Continue();
            if (RedirectIn(response, put) is { } elsewhere)
                return Outcome.NewUnknown(ToFault(put, content, FaultKind.RedirectFollowed, elsewhere));

            var reply = await ReplyReader
                .ReadAsync(
                    response,
                    watch.IsEarly ? null : content.Sent,
                    watch.IsFollowed,
                    stall.Moved,
                    time,
                    any,
                    cancellationToken
                )
                .ConfigureAwait(false);
            return Masked(Outcome.NewReplied(reply), put, watch);
        }
        catch (HttpRequestException exception)
            when (exception.GetBaseException() is SpentConnectionException && !any.IsCancellationRequested)
        {
            // Nothing has left.
            return null;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && !IsMisuse(exception))
        {
            var (kind, detail) = Classify(exception, put, request, content, watch.Route.Proxy, stall, any);
            var fault = ToFault(put, content, kind, WithoutCredentials(detail, put, watch.Route.Proxy));
            if (kind.IsProxy && FaultMapper.ProxyStatus(exception) is { } status)
                fault = fault.WithProxyStatus(status);
            return Masked(
                content.MayBeComplete ? Outcome.NewUnknown(fault) : Outcome.NewNotSent(fault),
                put,
                watch
            );
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // However the transport put it: it was the caller, and no inner exception may tell of the request.
            throw new OperationCanceledException(cancellationToken);
        }
        finally
        {
            watch.End();
        }
    }

    /// <summary>The outcome names the proxy on the way, which may echo the credentials that it was given.</summary>
    private static Outcome Masked(Outcome outcome, PutRequest put, ReplyWatch watch) =>
        watch.Route.Proxy is { } proxy
            ? ProxyModule.Mask(RequestUrlModule.Host(put.Url), outcome, proxy)
            : outcome;

    /// <summary>
    /// The transport may quote what the proxy said. Its credentials are masked before values are masked by their names.
    /// </summary>
    private static string WithoutCredentials(string detail, PutRequest put, Proxy? proxy) =>
        proxy is null ? detail : ProxyModule.MaskText(RequestUrlModule.Host(put.Url), detail, proxy);

    /// <summary>The client has been disposed of: that is no fault of the transport, and no attempt heals it.</summary>
    private static bool IsMisuse(Exception exception) =>
        exception is ObjectDisposedException { ObjectName: { } name }
        && name.StartsWith("System.Net.Http.", StringComparison.Ordinal);

    /// <summary>Where a client of the caller's went on its own account, if it did.</summary>
    private static string? RedirectIn(HttpResponseMessage response, PutRequest put)
    {
        var answered = response.RequestMessage;
        return
            answered is null
            || (
                answered.Method == HttpMethod.Put
                && ReferenceEquals(answered.RequestUri, RequestUrlModule.RevealUri(put.Url))
            )
            ? null
            : $"the HttpClient followed a redirect and made a {answered.Method} to {answered.RequestUri?.Host}";
    }

    /// <summary>With the headers of the response, not its body, at hand: the body may be endless.</summary>
    private Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    ) =>
        http is HttpClient client
            ? client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
            : http.SendAsync(request, cancellationToken);

    private static HttpRequestMessage ToMessage(PutRequest put, SourceContent content)
    {
        var request = new HttpRequestMessage(HttpMethod.Put, RequestUrlModule.RevealUri(put.Url))
        {
            Content = content,
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        // Walked so, a list costs no enumerator.
        for (var left = put.Headers; !left.IsEmpty; left = left.Tail)
        {
            var header = left.Head;
            var (name, value) = (RequestHeaderModule.Name(header), RequestHeaderModule.Reveal(header));
            if (!request.Headers.TryAddWithoutValidation(name, value))
                content.Headers.TryAddWithoutValidation(name, value);
        }

        // Both said out loud, or a client's default headers would decide.
        request.Headers.ExpectContinue = put.ExpectContinue;
        request.Headers.TransferEncodingChunked = false;
        return request;
    }

    private static (FaultKind, string) Classify(
        Exception exception,
        PutRequest put,
        HttpRequestMessage request,
        SourceContent content,
        Proxy? proxy,
        StallWatch stall,
        CancellationToken any
    )
    {
        var url = RequestUrlModule.RevealUri(put.Url);
        var host = url.Authority;
        return content.SourceFault is { } source ? (source.Kind, source.Message)
            : stall.HasStruck ? (FaultKind.StallTimeout, $"no byte moved to or from {host} for too long")
            : any.IsCancellationRequested
                ? (FaultKind.RequestTimeout, $"there was no reply from {host} in time")
            : FaultMapper.Classify(exception, url, proxy, content.HasBegun, S3Handler.HasConnected(request));
    }

    private static Fault ToFault(PutRequest put, SourceContent content, FaultKind kind, string detail) =>
        Fault.Of(
            put.Url,
            kind,
            PutRequestModule.Mask(detail, put),
            content.BytesSent,
            content.Sent is { } sent ? FSharpOption<Sent>.Some(sent) : null
        );
}
