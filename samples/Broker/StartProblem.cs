using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Broker;

/// <summary>What keeps the broker from starting, in words for the operator who started it.</summary>
internal static class StartProblem
{
    /// <returns>What to correct; null for a fault of the program.</returns>
    internal static string? Sentence(Exception problem) =>
        problem switch
        {
            OptionsValidationException invalid => string.Join(' ', invalid.Failures),
            IOException or UnauthorizedAccessException or JsonException or CryptographicException =>
                problem.Message,
            // A setting that is not of its type: the inner exception says which value.
            InvalidOperationException { InnerException: { } inner } => $"{problem.Message} {inner.Message}",
            _ => null,
        };

    /// <summary>Adds to a fault of the file of tokens what to set.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    internal static async Task CheckTokensAsync(string path)
    {
        try
        {
            await StaticToken.ReadAsync(path, CancellationToken.None);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"{problem.Message} Set Broker:TokensFile to a file of static tokens (docs/broker.md), or to nothing if tokens are JWTs.",
                problem
            );
        }
    }
}
