namespace Broker;

/// <summary>Refuses requests: each with a status, a JSON body and a line in the log.</summary>
internal static class Responses
{
    internal static async Task RefuseAsync(HttpContext context, Refusal refusal, UrlRequest? request = null)
    {
        var log = context.RequestServices.GetRequiredService<ILogger<Program>>();
        var what = request is null ? "a request" : $"{request.Bucket}/{request.Key}";
        Log.Refused(log, NameOf(context), what, refusal.Status, refusal.Reason);
        context.Response.StatusCode = refusal.Status;
        await context.Response.WriteAsJsonAsync(new ErrorResponse(new(refusal.Reason)));
    }

    /// <summary>Returns the refusal for a status that says everything.</summary>
    internal static Refusal Refusal(int status) =>
        new(
            status,
            status switch
            {
                StatusCodes.Status400BadRequest =>
                    "The body is not a request: a JSON object with version, cellId, artifactName, bucket, key and contentLength. Correct it.",
                StatusCodes.Status401Unauthorized =>
                    "The bearer token is missing, unknown or expired. Send a valid one.",
                StatusCodes.Status404NotFound => "There is nothing at this path. Post requests to /v1/urls.",
                StatusCodes.Status405MethodNotAllowed => "Requests are posted. Use POST.",
                StatusCodes.Status413PayloadTooLarge =>
                    $"The body has more than {UrlEndpoint.MaxBodyBytes} bytes. Shorten it.",
                StatusCodes.Status415UnsupportedMediaType =>
                    "The body is not JSON. Send Content-Type: application/json.",
                StatusCodes.Status500InternalServerError => "The broker failed. See its log.",
                _ => "The broker cannot process the request. See its log.",
            }
        );

    /// <summary>Returns the caller's name; without a valid token, its address in brackets.</summary>
    internal static string NameOf(HttpContext context) =>
        context.User.Identity?.Name ?? $"[{context.Connection.RemoteIpAddress?.ToString() ?? "local"}]";
}
