using System.Collections;

namespace Quickstart;

/// <summary>One file to export. All that the broker tells the exporter are these, as environment variables.</summary>
/// <param name="Target">Such as <c>evidence-1</c>; the variables' suffix is <c>EVIDENCE_1</c>.</param>
/// <param name="Artifact">The artifact's name within the cell.</param>
/// <param name="Path">The file.</param>
/// <param name="PresignedUrl">A credential.</param>
internal sealed record Job(
    string Target,
    string CellId,
    string Bucket,
    string KeyPrefix,
    string Artifact,
    string Path,
    string PresignedUrl
)
{
    private const string Targets = "EXPORTER_TARGETS";
    private const string CellIdVariable = "EXPORTER_CELL_ID";
    private const string BucketVariable = "EXPORTER_BUCKET";
    private const string KeyPrefixVariable = "EXPORTER_KEY_PREFIX";

    /// <summary>The same for any two jobs of a batch but for the last three.</summary>
    internal static void Write(IReadOnlyCollection<Job> batch, IDictionary<string, string?> environment)
    {
        environment[Targets] = string.Join(' ', batch.Select(job => job.Target));
        foreach (var job in batch)
        {
            environment[CellIdVariable] = job.CellId;
            environment[BucketVariable] = job.Bucket;
            environment[KeyPrefixVariable] = job.KeyPrefix;
            environment[Variable("EXPORTER_ARTIFACT", job.Target)] = job.Artifact;
            environment[Variable("EXPORTER_PATH", job.Target)] = job.Path;
            environment[Variable("CELLOS_EXPORT_S3_PRESIGNED_URL", job.Target)] = job.PresignedUrl;
        }
    }

    internal static IReadOnlyList<Job> ReadAll() =>
        [
            .. Read(Targets)
                .Split(' ')
                .Select(target => new Job(
                    target,
                    Read(CellIdVariable),
                    Read(BucketVariable),
                    Read(KeyPrefixVariable),
                    Read(Variable("EXPORTER_ARTIFACT", target)),
                    Read(Variable("EXPORTER_PATH", target)),
                    Read(Variable("CELLOS_EXPORT_S3_PRESIGNED_URL", target))
                )),
        ];

    /// <summary>Variables that may hold keys, were they there.</summary>
    internal static IEnumerable<string> Forbidden() =>
        Environment
            .GetEnvironmentVariables()
            .Cast<DictionaryEntry>()
            .Select(variable => (string)variable.Key)
            .Where(name =>
                name.StartsWith("AWS_", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("QUICKSTART_", StringComparison.OrdinalIgnoreCase)
            );

    /// <summary>Without the credential.</summary>
    public override string ToString() => $"{Target}: {Artifact}";

    private static string Variable(string name, string target) =>
        $"{name}__{target.ToUpperInvariant().Replace('-', '_')}";

    private static string Read(string variable) =>
        Environment.GetEnvironmentVariable(variable)
        ?? throw new UsageException($"The exporter is started by the broker, which sets {variable}.");
}
