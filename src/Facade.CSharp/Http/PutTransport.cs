using System.Net;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Http;

/// <summary>Makes one PUT, and reports what came of it.</summary>
internal sealed class PutTransport(HttpMessageInvoker http, TimeProvider time)
{
    /// <summary>Sends the file as the core's request says.</summary>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    internal async Task<Outcome> SendAsync(
        PutRequest put,
        SourceFile source,
        CancellationToken cancellationToken
    )
    {
        using var limit = new CancellationTokenSource(put.Timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var content = new SourceContent(source, put.Length, put.TakeMd5);
        using var request = ToMessage(put, content);
        try
        {
            using var response = await SendAsync(request, both.Token).ConfigureAwait(false);
            var reply = await ReplyReader
                .ReadAsync(response, content.Sent, both.Token, cancellationToken)
                .ConfigureAwait(false);
            return Outcome.NewReplied(reply);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            var fault = ToFault(put.Url, exception, content, limit.IsCancellationRequested);
            return content.MayBeComplete ? Outcome.NewUnknown(fault) : Outcome.NewNotSent(fault);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // However the transport put it: it was the caller, and no inner exception may tell of the request.
            throw new OperationCanceledException(cancellationToken);
        }
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
        foreach (var (name, value) in put.Headers)
            if (!request.Headers.TryAddWithoutValidation(name, value))
                content.Headers.TryAddWithoutValidation(name, value);

        if (put.ExpectContinue)
            request.Headers.ExpectContinue = true;
        return request;
    }

    private static Fault ToFault(RequestUrl url, Exception exception, SourceContent content, bool outOfTime)
    {
        var host = RequestUrlModule.Host(url);
        var (kind, detail) =
            content.SourceFault is { } source ? (source.Kind, source.Message)
            : outOfTime ? (FaultKind.RequestTimeout, $"there was no reply from {host} in time")
            : FaultMapper.Classify(exception, host, content.HasBegun);
        return Fault.Of(url, kind, detail, content.BytesSent);
    }
}
