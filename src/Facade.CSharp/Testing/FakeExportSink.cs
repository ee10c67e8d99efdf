using System.Security.Cryptography;
using CellOS.Export.S3;
using CellOS.Export.S3.Core;

namespace CellOS.Export.Testing;

/// <summary>
/// Stands in for a sink in tests. It sends nothing, remembers what it was given, and returns receipts of the files as they are, or
/// throws failures of a kind that the test chooses. It checks names as the sinks of this library do. Any number of threads may
/// use it at once.
/// </summary>
/// <example>
/// <code>
/// var sink = new FakeExportSink { FailureOf = name => name == "b" ? ExportFailureKind.Unavailable : null };
/// </code>
/// </example>
public sealed class FakeExportSink : IExportSink
{
    /// <summary>The cell of the receipts, unless a test gives another: <c>cell-1</c>.</summary>
    public const string DefaultCellId = "cell-1";

    private readonly Lock _gate = new();
    private readonly List<ExportArtifact> _pushed = [];
    private readonly List<ExportReceipt> _receipts = [];

    /// <summary>The kind of place that the sink claims to write to. Default: <see cref="ExportTargetKind.S3"/>.</summary>
    public ExportTargetKind TargetKind { get; init; } = ExportTargetKind.S3;

    /// <summary>The cell of the receipts: one path segment. Default: <see cref="DefaultCellId"/>.</summary>
    public string CellId { get; init; } = DefaultCellId;

    /// <summary>The name of the target in the receipts. Default: none.</summary>
    public string? TargetName { get; init; }

    /// <summary>
    /// Chooses, by the artifact's name, the failure with which its export ends; null for a receipt. It is asked at each push and may
    /// be called by several threads at once. Default: every export succeeds.
    /// </summary>
    public Func<string, ExportFailureKind?>? FailureOf { get; set; }

    /// <summary>What was pushed so far, failures included, in the order of the pushes.</summary>
    public IReadOnlyList<ExportArtifact> Pushed
    {
        get
        {
            lock (_gate)
                return [.. _pushed];
        }
    }

    /// <summary>The receipts that were returned so far, in their order.</summary>
    public IReadOnlyList<ExportReceipt> Receipts
    {
        get
        {
            lock (_gate)
                return [.. _receipts];
        }
    }

    /// <inheritdoc />
    public string DestinationHint(string name) => Destination(TargetKind, CellId, name);

    /// <summary>Reads the file, and returns a receipt or throws the failure that <see cref="FailureOf"/> chooses.</summary>
    /// <param name="name">The artifact's name: one or more path segments joined by <c>/</c>.</param>
    /// <param name="path">The file.</param>
    /// <param name="metadata">Kept in <see cref="Pushed"/>.</param>
    /// <param name="cancellationToken">Ends the export without a receipt.</param>
    /// <returns>A receipt with the length and the SHA-256 of the file, and all times at the Unix epoch.</returns>
    /// <exception cref="ArgumentException">The name or the cell id is not valid.</exception>
    /// <exception cref="ExportException">
    /// <see cref="FailureOf"/> chose its kind, or there is no such file (<see cref="ExportFailureKind.SourceNotFound"/>).
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async Task<ExportReceipt> PushAsync(
        string name,
        string path,
        ExportArtifactMetadata? metadata = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(path);
        var destination = DestinationHint(name);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
            _pushed.Add(new ExportArtifact(name, path, metadata));
        if (FailureOf?.Invoke(name) is { } kind)
            throw Failure(kind, name, destination, "the test chose this failure");
        if (!File.Exists(path))
            throw Failure(ExportFailureKind.SourceNotFound, name, destination, "the file does not exist");

        using var file = File.OpenRead(path);
        var digest = await SHA256.HashDataAsync(file, cancellationToken).ConfigureAwait(false);
        var receipt = FakeReceipt.Of(
            TargetKind,
            destination,
            name,
            file.Length,
            Convert.ToHexStringLower(digest),
            CellId,
            TargetName
        );
        lock (_gate)
            _receipts.Add(receipt);
        return receipt;
    }

    /// <exception cref="ArgumentException">The name or the cell id is not valid.</exception>
    internal static string Destination(ExportTargetKind kind, string cellId, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        CoreMapping.Accept(CellIdModule.Create(cellId), nameof(cellId));
        CoreMapping.Accept(ArtifactNameModule.Create(name), nameof(name));
        return kind switch
        {
            ExportTargetKind.Local => $"/fake/{cellId}/{name}",
            ExportTargetKind.Http => $"https://fake.example/{cellId}/{name}",
            _ => $"s3://fake-bucket/{cellId}/{name}",
        };
    }

    private ExportException Failure(ExportFailureKind kind, string name, string destination, string reason) =>
        new(kind, $"Export of '{name}' to {destination} failed: {reason}.")
        {
            TargetKind = TargetKind,
            TargetName = TargetName,
            CellId = CellId,
            ArtifactName = name,
            Destination = destination,
            Attempts = kind == ExportFailureKind.SourceNotFound ? 0 : 1,
        };
}
