using Amazon.S3;
using LoopbackS3;

namespace Quickstart;

/// <summary>The role with the keys: it presigns, starts the exporter, and does not take its word for it.</summary>
internal static class Broker
{
    private const string KeyPrefix = "quickstart";
    private const string ExpiredTarget = "expired";

    /// <summary>An environment is limited: on Linux to about 2 MiB, with 128 KiB for one variable.</summary>
    private const int BatchFiles = 200;

    private const int BatchChars = 256 << 10;

    internal static async Task<int> RunAsync(string? path, CancellationToken stopping)
    {
        var settings = StoreSettings.Read();
        using var folder = EvidenceFolder.Open(path);
        await using var store = await Store.OpenAsync(settings, folder.Bytes);
        var cellId = $"cell-{DateTime.UtcNow:yyyyMMdd'T'HHmmss'Z'}";
        var keyOf = (EvidenceFile file) => $"{KeyPrefix}/{cellId}/{file.Name}";
        Introduce(folder, store);

        // One file shows what goes wrong: the first whose name the library takes.
        var shown = Math.Max(0, folder.Files.ToList().FindIndex(file => !file.Name.Any(IsOdd)));
        var shownKey = keyOf(folder.Files[shown]);
        store.Loopback?.Misbehave(
            store.Settings.Bucket,
            shownKey,
            Fault.Status(503, "SlowDown", "Please reduce your request rate.")
        );
        var expiredUrl = store.PresignExpired(HttpVerb.PUT, shownKey);
        Job[] expired = [JobFor(ExpiredTarget, folder.Files[shown], expiredUrl)];
        // Presigned as they are taken, batch by batch, so that none waits for long.
        var jobs = folder.Files.Select(
            (file, i) => JobFor(TargetOf(i), file, store.Presign(HttpVerb.PUT, keyOf(file)))
        );

        var lines = new List<string>();
        var errors = new List<string>();
        foreach (var batch in Batches(expired.Concat(jobs)))
        {
            var output = await ExporterProcess.RunAsync(batch, store.Loopback is null, stopping);
            lines.AddRange(output.Lines);
            errors.AddRange(output.ErrorLines);
            if (output.ExitCode != 0)
                errors.Add($"The exporter ended with exit code {output.ExitCode}.");
        }

        var receipts = lines.Select(ReceiptLine.Parse).ToDictionary(receipt => receipt.TargetName);
        Report(folder, receipts, errors);
        var isRefused = ReportExpired(store, expiredUrl, errors);
        var isRetried = ReportRetry(store, receipts.GetValueOrDefault(TargetOf(shown)));
        var audit = new Audit(store, keyOf);
        var isEqual = await audit.RunAsync(folder.Files, receipts, stopping);
        return isRefused && isRetried && isEqual ? 0 : 1;

        Job JobFor(string target, EvidenceFile file, string url) =>
            new(target, cellId, store.Settings.Bucket, KeyPrefix, file.Name, file.Info.FullName, url);
    }

    private static IEnumerable<List<Job>> Batches(IEnumerable<Job> jobs)
    {
        var batch = new List<Job>();
        var chars = 0;
        foreach (var job in jobs)
        {
            batch.Add(job);
            chars += job.PresignedUrl.Length + job.Artifact.Length + job.Path.Length;
            if (batch.Count < BatchFiles && chars < BatchChars)
                continue;
            yield return batch;
            (batch, chars) = ([], 0);
        }
        if (batch.Count > 0)
            yield return batch;
    }

    private static void Introduce(EvidenceFolder folder, Store store)
    {
        var links = folder.LinksPassedOver switch
        {
            0 => "",
            1 => "; 1 symbolic link passed over",
            var many => $"; {many} symbolic links passed over",
        };
        var where = store.Loopback is null ? "" : " (an S3 of our own, on the loopback, in memory)";
        Console.WriteLine(
            $"Endpoint  {store.Settings.Endpoint.GetLeftPart(UriPartial.Authority)}, bucket {store.Settings.Bucket}{where}"
        );
        Console.WriteLine(
            $"Folder    {Table.Printable(folder.Path)}: {Count(folder.Files.Count)}, {folder.Bytes:N0} bytes{links}"
        );
        Console.WriteLine("Exporter  a process of its own; its environment holds URLs, and no keys");
        Console.WriteLine();
    }

    /// <summary>The table for people, the receipts for programs, and what went wrong.</summary>
    private static void Report(
        EvidenceFolder folder,
        Dictionary<string, ReceiptLine> receipts,
        List<string> errors
    )
    {
        var exported = folder
            .Files.Select((_, i) => receipts.GetValueOrDefault(TargetOf(i)))
            .OfType<ReceiptLine>()
            .ToArray();
        string[] head = ["Artifact", "Bytes", "Attempts", "Integrity", "SHA-256", "Destination"];
        foreach (var row in Table.Render([head, .. exported.Select(receipt => receipt.ToRow())], 1, 2))
            Console.WriteLine(row);
        Console.WriteLine();
        foreach (var receipt in exported)
            Console.WriteLine(receipt.Json);
        if (exported.Length > 0)
            Console.WriteLine();

        var byTarget = errors.ToLookup(error => error.Split(": ", 2)[0]);
        foreach (
            var (i, file) in folder.Files.Index().Where(file => !receipts.ContainsKey(TargetOf(file.Index)))
        )
        {
            var said = byTarget[TargetOf(i)].FirstOrDefault();
            var reason = said?[(TargetOf(i).Length + 2)..] ?? "the exporter gave no reason";
            Console.WriteLine($"Not exported: {Table.Printable(file.Name)}: {Table.Printable(reason)}");
        }
        foreach (var error in errors.Where(error => !IsOf(ExpiredTarget, error) && !IsOf("evidence", error)))
            Console.WriteLine($"The exporter says: {Table.Printable(error)}");
        if (errors.Count > 1)
            Console.WriteLine();
    }

    /// <summary>Whether the URL that had expired was refused, and nothing was sent.</summary>
    private static bool ReportExpired(Store store, string url, List<string> errors)
    {
        Console.WriteLine("A URL that had expired an hour ago; the operator reads:");
        var message = errors.FirstOrDefault(error => IsOf(ExpiredTarget, error));
        Console.WriteLine($"  {Table.Printable(message ?? "nothing, which is wrong")}");
        // The endpoint is the better witness, where it can be asked.
        var isSent =
            store.Loopback?.Requests.Any(request => url.EndsWith(request.Target, StringComparison.Ordinal))
            ?? message?.Contains("No attempt was made", StringComparison.Ordinal) != true;
        var witness = store.Loopback is null ? "" : ": the endpoint saw none";
        Console.WriteLine(
            isSent ? "  A request was sent all the same, which is wrong." : $"  No request was sent{witness}."
        );
        Console.WriteLine();
        return !isSent
            && message?.StartsWith($"{ExpiredTarget}: UrlExpired: ", StringComparison.Ordinal) == true;
    }

    /// <summary>Whether the 503 was retried, where there was one.</summary>
    private static bool ReportRetry(Store store, ReceiptLine? receipt)
    {
        if (store.Loopback is null)
        {
            Console.WriteLine("No fault was injected: that takes the S3 on the loopback.");
            return true;
        }
        Console.WriteLine(
            receipt is null
                ? "No fault was shown: the artifact that was meant for it was not exported."
                : $"The first PUT of {Table.Printable(receipt.ArtifactName)} was answered 503 SlowDown; its receipt counts {receipt.Attempts} attempts."
        );
        return receipt?.Attempts == 2;
    }

    private static bool IsOdd(char c) => c == '\\' || char.IsControl(c) || char.IsSurrogate(c);

    internal static string TargetOf(int file) => $"evidence-{file + 1}";

    /// <summary>The exporter says <c>target: kind: message</c>.</summary>
    private static bool IsOf(string target, string error) =>
        error.StartsWith(target, StringComparison.Ordinal);

    private static string Count(int files) => files == 1 ? "1 file" : $"{files:N0} files";
}
