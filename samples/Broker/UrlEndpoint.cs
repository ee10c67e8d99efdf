using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Broker;

/// <summary>Responds to requests for URLs.</summary>
internal static class UrlEndpoint
{
    internal const int MaxBodyBytes = 64 << 10;

    internal static async Task PostAsync(
        HttpContext context,
        Presigner presigner,
        IOptions<BrokerOptions> options,
        ILogger<Program> log
    )
    {
        var caller = Caller.Of(context.User);
        var (request, refusal) = await ReadAsync(context.Request);
        refusal ??= RequestRules.Check(request!, caller, options.Value);
        if (refusal is not null)
        {
            await Responses.RefuseAsync(context, refusal, request);
            return;
        }
        var response = await presigner.PresignAsync(request!);
        Log.Granted(
            log,
            caller.Name,
            request!.Bucket,
            request.Key,
            request.ContentLength,
            request.Sha256,
            response.ExpiresAt
        );
        await context.Response.WriteAsJsonAsync(response);
    }

    private static async Task<(UrlRequest?, Refusal?)> ReadAsync(HttpRequest request)
    {
        if (!request.HasJsonContentType())
            return (null, Responses.Refusal(StatusCodes.Status415UnsupportedMediaType));
        try
        {
            var read = await request.ReadFromJsonAsync<UrlRequest>();
            return read is null ? (null, Responses.Refusal(StatusCodes.Status400BadRequest)) : (read, null);
        }
        catch (JsonException)
        {
            return (null, Responses.Refusal(StatusCodes.Status400BadRequest));
        }
        catch (BadHttpRequestException error)
        {
            return (null, Responses.Refusal(error.StatusCode));
        }
    }
}
