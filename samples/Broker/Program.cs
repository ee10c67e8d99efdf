// A broker: it holds the keys of an S3, and gives each caller presigned URLs for its own cells. See README.md.

using System.Globalization;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Threading.RateLimiting;
using Broker;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.IdentityModel.Tokens;

try
{
    // appsettings.json lies beside the program, whatever folder it is started in.
    var builder = WebApplication.CreateBuilder(
        new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory }
    );
    var services = builder.Services;

    services
        .AddOptions<BrokerOptions>()
        .BindConfiguration("Broker")
        .ValidateDataAnnotations()
        .ValidateOnStart();
    services.AddSingleton(TimeProvider.System);
    services.AddSingleton<Presigner>();
    services.AddHealthChecks().AddCheck<Presigner>("keys");
    services.AddOpenApi();
    // Bearer tokens need no keys of ASP.NET Core's own, so that none are looked for in a home folder.
    services.AddDataProtection().UseEphemeralDataProtectionProvider();
    services.ConfigureHttpJsonOptions(json =>
    {
        json.SerializerOptions.RespectNullableAnnotations = true;
        json.SerializerOptions.RespectRequiredConstructorParameters = true;
        // A URL is shown with & and not with \u0026.
        json.SerializerOptions.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
    });

    var broker = builder.Configuration.GetSection("Broker").Get<BrokerOptions>() ?? new();
    if (broker.TokensFile is { Length: > 0 } tokensFile)
    {
        await StartProblem.CheckTokensAsync(tokensFile);
        services
            .AddAuthentication(StaticTokenHandler.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, StaticTokenHandler>(StaticTokenHandler.SchemeName, null);
    }
    else
    {
        // Issuer and audience are in the section Authentication:Schemes:Bearer, which JwtBearer reads by itself.
        services
            .AddAuthentication(JwtBearerDefaults.AuthenticationScheme)
            .AddJwtBearer(jwt =>
            {
                jwt.MapInboundClaims = false;
                jwt.TokenValidationParameters.NameClaimType = Caller.NameClaim;
                jwt.Events = new JwtBearerEvents
                {
                    OnTokenValidated = context =>
                    {
                        Caller.AddRights(context.Principal!, broker.Subjects);
                        return Task.CompletedTask;
                    },
                };
                if (broker.JwtPublicKeyFile is { Length: > 0 } file)
                {
                    var key = ECDsa.Create();
                    key.ImportFromPem(File.ReadAllText(file));
                    jwt.TokenValidationParameters.IssuerSigningKey = new ECDsaSecurityKey(key);
                }
            });
    }
    services.AddAuthorization();

    services.AddRateLimiter(limiter =>
    {
        limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context =>
            RateLimitPartition.GetFixedWindowLimiter(
                Responses.NameOf(context),
                _ => new() { PermitLimit = broker.RequestsPerSecond, Window = TimeSpan.FromSeconds(1) }
            )
        );
        limiter.OnRejected = async (rejected, _) =>
        {
            var wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var known)
                ? known
                : TimeSpan.Zero;
            var seconds = Math.Max(1, Math.Ceiling(wait.TotalSeconds));
            rejected.HttpContext.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
            await Responses.RefuseAsync(
                rejected.HttpContext,
                new(
                    StatusCodes.Status429TooManyRequests,
                    $"More than {broker.RequestsPerSecond} requests a second."
                )
            );
        };
    });

    builder.WebHost.ConfigureKestrel(kestrel =>
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = UrlEndpoint.MaxBodyBytes;
    });
    builder.WebHost.UseSockets(sockets => sockets.CreateBoundListenSocket = UnixSockets.Bind);

    var app = builder.Build();
    app.UseExceptionHandler(failed =>
        failed.Run(context =>
            Responses.RefuseAsync(context, Responses.Refusal(StatusCodes.Status500InternalServerError))
        )
    );
    app.UseStatusCodePages(pages =>
        Responses.RefuseAsync(pages.HttpContext, Responses.Refusal(pages.HttpContext.Response.StatusCode))
    );
    app.UseAuthentication();
    app.UseRateLimiter();
    app.UseAuthorization();

    app.MapHealthChecks("/health").DisableRateLimiting();
    app.MapOpenApi("/openapi.json").DisableRateLimiting();

    // Requests over a Unix socket are posted to the root.
    foreach (var path in new[] { "/", "/v1/urls" })
    {
        app.MapPost(path, UrlEndpoint.PostAsync)
            .RequireAuthorization()
            .Accepts<UrlRequest>("application/json")
            .Produces<UrlResponse>()
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status401Unauthorized)
            .Produces<ErrorResponse>(StatusCodes.Status403Forbidden)
            .Produces<ErrorResponse>(StatusCodes.Status413PayloadTooLarge)
            .Produces<ErrorResponse>(StatusCodes.Status415UnsupportedMediaType)
            .Produces<ErrorResponse>(StatusCodes.Status429TooManyRequests)
            .Produces<ErrorResponse>(StatusCodes.Status500InternalServerError);
    }

    await app.RunAsync();
    return 0;
}
catch (Exception problem) when (StartProblem.Sentence(problem) is { } sentence)
{
    await Console.Error.WriteLineAsync($"The broker cannot start: {sentence}");
    return 2;
}
