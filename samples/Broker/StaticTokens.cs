using System.Net.Http.Headers;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Broker;

/// <summary>A token of the file: its caller, its SHA-256 in hexadecimal digits, and what it allows.</summary>
internal sealed record StaticToken(string Name, string Sha256, string[] Cells, string[] Prefixes)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Reads the file anew, so that a token that is removed from it is refused at once.</summary>
    internal static async Task<StaticToken[]> ReadAsync(string path, CancellationToken stopping)
    {
        await using var file = File.OpenRead(path);
        var tokens = await JsonSerializer.DeserializeAsync<StaticToken[]>(file, Json, stopping);
        foreach (
            var token in tokens ?? throw new JsonException($"{path} contains null. Write a list of tokens.")
        )
        {
            if (token.Sha256.Length != 64 || !token.Sha256.All(char.IsAsciiHexDigit))
                throw new JsonException(
                    $"{path}: the sha256 of '{token.Name}' is not 64 hexadecimal digits. Correct it."
                );
        }
        return tokens;
    }

    /// <summary>Compares all tokens, each in fixed time, so that the time says nothing about them.</summary>
    internal static StaticToken? Find(IEnumerable<StaticToken> tokens, string given)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(given));
        StaticToken? found = null;
        foreach (var token in tokens)
        {
            if (CryptographicOperations.FixedTimeEquals(Convert.FromHexString(token.Sha256), digest))
                found = token;
        }
        return found;
    }
}

/// <summary>Authenticates callers by the file of static tokens.</summary>
internal sealed class StaticTokenHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    IOptions<BrokerOptions> broker
) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    internal const string SchemeName = "StaticToken";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (
            !AuthenticationHeaderValue.TryParse(Request.Headers.Authorization, out var header)
            || !header.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)
            || header.Parameter is not { Length: > 0 } given
        )
            return AuthenticateResult.NoResult();

        var tokens = await StaticToken.ReadAsync(broker.Value.TokensFile!, Context.RequestAborted);
        if (StaticToken.Find(tokens, given) is not { } token)
            return AuthenticateResult.Fail("The token is not in the file.");

        Claim[] claims =
        [
            new(Caller.NameClaim, token.Name),
            .. token.Cells.Select(cell => new Claim(Caller.CellsClaim, cell)),
            .. token.Prefixes.Select(prefix => new Claim(Caller.PrefixesClaim, prefix)),
        ];
        var identity = new ClaimsIdentity(claims, SchemeName, Caller.NameClaim, roleType: null);
        return AuthenticateResult.Success(new(new ClaimsPrincipal(identity), SchemeName));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.StatusCode = StatusCodes.Status401Unauthorized;
        Response.Headers.WWWAuthenticate = "Bearer";
        return Task.CompletedTask;
    }
}
