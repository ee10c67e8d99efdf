using System.Security.Cryptography;

namespace Quickstart;

/// <summary>Reads objects back, and holds them against the receipts and the files.</summary>
internal sealed class Audit(Store store, Func<EvidenceFile, string> keyOf)
{
    private const int AtOnce = 4;

    /// <summary>Prints the verdict; true if it is the best one.</summary>
    internal async Task<bool> RunAsync(
        IReadOnlyList<EvidenceFile> files,
        Dictionary<string, ReceiptLine> receipts,
        CancellationToken stopping
    )
    {
        var exported = files
            .Select(file => (File: file, Receipt: receipts.GetValueOrDefault(file.Name)))
            .Where(pair => pair.Receipt is not null)
            .ToArray();
        var problems = new string?[exported.Length];
        await Parallel.ForAsync(
            0,
            exported.Length,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stopping },
            async (i, cancellation) =>
                problems[i] = await ProblemAsync(exported[i].File, exported[i].Receipt!, cancellation)
        );

        foreach (var (pair, problem) in exported.Zip(problems).Where(pair => pair.Second is not null))
            Console.WriteLine($"{Table.Printable(pair.File.Name)} {problem}.");
        var equal = problems.Count(problem => problem is null);
        var how = store.DigestsOnly
            ? "equal by the digests that the endpoint took (too much for its memory to be read back)"
            : "read back and equal";
        Console.WriteLine(
            equal == exported.Length
                ? $"{equal:N0} of {files.Count:N0} artifacts exported, {how}."
                : $"{exported.Length:N0} of {files.Count:N0} artifacts exported; {equal:N0} {how}."
        );
        return equal == files.Count;
    }

    private async Task<string?> ProblemAsync(
        EvidenceFile file,
        ReceiptLine receipt,
        CancellationToken stopping
    )
    {
        try
        {
            await using var content = file.Info.OpenRead();
            var here = Convert.ToHexStringLower(await SHA256.HashDataAsync(content, stopping));
            var there = await store.ReadBackAsync(keyOf(file), stopping);
            return there != receipt.Sha256 ? "is another object than the receipt says"
                : here != receipt.Sha256 ? "has changed since it was exported"
                : null;
        }
        // Cancelled, though nobody asked for it: HttpClient ran out of patience.
        catch (Exception e)
            when (e is HttpRequestException or IOException or UnauthorizedAccessException
                || (e is TaskCanceledException && !stopping.IsCancellationRequested)
            )
        {
            return $"could not be read back ({e.Message.TrimEnd('.')})";
        }
    }
}
