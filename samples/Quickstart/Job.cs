using System.Collections;
using System.Text.Json;

namespace Quickstart;

/// <summary>
/// The job of the exporter, in one environment variable: it is given nothing else. There is no key in it, no manifest and no
/// list of files.
/// </summary>
/// <param name="CellId">The cell.</param>
/// <param name="Bucket">The bucket.</param>
/// <param name="KeyPrefix">What stands before the cell id in the key.</param>
/// <param name="Region">The bucket's region.</param>
/// <param name="Folder">The folder that is exported.</param>
/// <param name="WritesEvidence">True if the evidence is first written, as a cell does while it runs.</param>
/// <param name="BrokerUrl">The Unix socket of the broker.</param>
/// <param name="BrokerTokenFile">The file with the token for the broker.</param>
/// <param name="PresignedUrl">A URL that has expired, for <paramref name="Artifact"/>.</param>
/// <param name="Artifact">The artifact that is exported with the expired URL.</param>
/// <param name="Target">The target of that artifact.</param>
internal sealed record Job(
    string CellId,
    string Bucket,
    string KeyPrefix,
    string Region,
    string Folder,
    bool WritesEvidence,
    string BrokerUrl,
    string BrokerTokenFile,
    string PresignedUrl,
    string Artifact,
    string Target
)
{
    private const string Variable = "EXPORTER_JOB";

    internal void Write(IDictionary<string, string?> environment) =>
        environment[Variable] = JsonSerializer.Serialize(this);

    internal static Job Read() =>
        Environment.GetEnvironmentVariable(Variable) is { } json
            ? JsonSerializer.Deserialize<Job>(json)!
            : throw new UsageException($"The quickstart starts the exporter, and sets {Variable}.");

    /// <summary>Returns the variables that may hold keys; there must be none.</summary>
    internal static IReadOnlyList<string> Forbidden() =>
        [
            .. Environment
                .GetEnvironmentVariables()
                .Cast<DictionaryEntry>()
                .Select(variable => (string)variable.Key)
                .Where(name =>
                    name.StartsWith("AWS_", StringComparison.OrdinalIgnoreCase)
                    || name.StartsWith("QUICKSTART_", StringComparison.OrdinalIgnoreCase)
                )
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>Shows the job without the URL.</summary>
    public override string ToString() => $"{CellId}: {Folder}";
}
