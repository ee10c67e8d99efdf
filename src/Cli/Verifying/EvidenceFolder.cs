using System.Collections.Concurrent;
using CellOS.Export.S3.Cli.Bundles;
using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Cli.Progress;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Cli.Verifying;

/// <summary>The files below a folder, which are compared with receipts. No link is followed.</summary>
internal sealed class EvidenceFolder
{
    private readonly Lock _gate = new();

    private EvidenceFolder(
        IReadOnlyList<BundleFile> files,
        IReadOnlyList<string> problems,
        IReadOnlyList<string> notes
    )
    {
        Files = files;
        Problems = problems;
        Notes = notes;
    }

    /// <summary>The files, in the ordinal order of their names.</summary>
    internal IReadOnlyList<BundleFile> Files { get; }

    /// <summary>A sentence for each thing that cannot be looked at.</summary>
    internal IReadOnlyList<string> Problems { get; }

    /// <summary>A sentence for each thing that is left out: links, pipes, and the files of this command.</summary>
    internal IReadOnlyList<string> Notes { get; }

    /// <summary>Lists the files.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="inputs">The files that this command reads otherwise, which are not evidence.</param>
    /// <exception cref="RefusedException">It is not a folder, or cannot be opened.</exception>
    internal static EvidenceFolder List(string path, IReadOnlyList<string> inputs)
    {
        var bundle = FileBundle.Collect([path]);
        if (FileKinds.Of(path.TrimEnd('/')) is FileKind.File)
            throw new RefusedException(
                $"--bundle: '{Shown.Short(200, path)}' is a file. Give the folder that the evidence lies in."
            );
        if (bundle.Files.Count == 0 && bundle.Problems.Count > 0)
            throw new RefusedException([.. bundle.Problems.Select(problem => $"--bundle: {problem}")]);

        var own = new OwnFiles(new CommandFiles(OtherReceipts: inputs));
        var files = new List<BundleFile>();
        var notes = bundle.LeftOut.Concat(bundle.Notes).ToList();
        foreach (var file in bundle.Files)
        {
            if (own.NameOf(file.Path) is null)
                files.Add(file);
            else
                notes.Add(
                    $"'{Shown.Short(200, file.Path)}' is a file that this command reads or writes; it is left out."
                );
        }

        return new EvidenceFolder(files, bundle.Problems, notes);
    }

    /// <summary>
    /// Takes the SHA-256 of each file, on all processors. The largest come first, so that at the end no processor waits long for another.
    /// </summary>
    /// <param name="ledger">Takes them.</param>
    /// <param name="bars">Shows them; null for nothing.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>A sentence for each file that cannot be read.</returns>
    internal IReadOnlyCollection<string> TakeDigests(
        VerificationLedger ledger,
        IPushDisplay? bars,
        CancellationToken cancellation
    )
    {
        var problems = new ConcurrentBag<string>();
        bars?.Started(Files.Count, Amounts.Sum(Files.Select(file => file.Length)));
        var options = new ParallelOptions
        {
            CancellationToken = cancellation,
            MaxDegreeOfParallelism = Environment.ProcessorCount,
        };
        Parallel.ForEach(
            Partitioner.Create(
                Files.OrderByDescending(file => file.Length),
                EnumerablePartitionerOptions.NoBuffering
            ),
            options,
            file =>
            {
                try
                {
                    Take(file, ledger, bars, cancellation);
                }
                catch (SourceException exception)
                {
                    lock (_gate)
                        VerificationLedgerModule.MissFile(ledger, file.Name);
                    problems.Add($"{Shown.Sentence(exception.Message).TrimEnd('.')}.");
                    bars?.Failed(file.Name, exception.Message);
                }
            }
        );
        return problems;
    }

    private void Take(
        BundleFile file,
        VerificationLedger ledger,
        IPushDisplay? bars,
        CancellationToken cancellation
    )
    {
        using var source = SourceFile.Open(file.Source);
        var length = source.Length;
        var read = 0L;
        var digest = source.TakeDigests([DigestAlgorithm.Sha256], Moved, cancellation)[0];
        lock (_gate)
            VerificationLedgerModule.ReadFile(ledger, file.Name, length, Convert.FromHexString(digest.Hex));
        bars?.Exported(file.Name, length);

        void Moved()
        {
            read += SourceFile.PartSize;
            if (read < length)
                bars?.BytesMoved(file.Name, 1, read, length);
        }
    }
}
