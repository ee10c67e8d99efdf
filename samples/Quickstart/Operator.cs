using Amazon.S3;
using LoopbackS3;

namespace Quickstart;

/// <summary>
/// The operator: starts the broker, which has the keys, and the exporter, which has none; then reads back what the
/// exporter claims to have stored.
/// </summary>
internal static class Operator
{
    private const string KeyPrefix = "quickstart";
    private const string ExpiredTarget = "expired";

    /// <param name="path">The folder that is exported; null for one with evidence of its own.</param>
    /// <param name="keep">How long the S3 on loopback is kept; null if it ends with the quickstart.</param>
    /// <param name="stopping">Ends all of it.</param>
    internal static async Task<int> RunAsync(string? path, TimeSpan? keep, CancellationToken stopping)
    {
        var settings = StoreSettings.Read();
        if (keep is not null && settings is not null)
            throw new UsageException("--keep keeps the S3 on loopback; unset the QUICKSTART_ variables.");
        var given = path is null ? null : EvidenceFolder.List(path);
        var own = path is null ? Directory.CreateTempSubdirectory("cellos-quickstart-") : null;
        try
        {
            await using var store = await Store.OpenAsync(settings, given?.Bytes ?? 0);
            var code = await RunAsync(own?.FullName ?? Path.GetFullPath(path!), given, store, stopping);
            if (code == 0 && keep is { } time)
                await KeptStore.RunAsync(store, time, stopping);
            return code;
        }
        finally
        {
            own?.Delete(recursive: true);
        }
    }

    private static async Task<int> RunAsync(
        string folder,
        EvidenceFolder? given,
        Store store,
        CancellationToken stopping
    )
    {
        var (bucket, region) = (store.Settings.Bucket, store.Settings.Region);
        var cellId = $"cell-{DateTime.UtcNow:yyyyMMdd'T'HHmmss'Z'}";
        var keyOf = (string artifact) => $"{KeyPrefix}/{cellId}/{artifact}";
        await using var broker = await BrokerProcess.StartAsync(store.Settings, cellId, KeyPrefix, stopping);
        RefuseFirst(store);
        var job = new Job(
            cellId,
            bucket,
            KeyPrefix,
            region,
            folder,
            WritesEvidence: given is null,
            broker.Url,
            broker.TokenFile,
            store.PresignExpired(HttpVerb.PUT, keyOf("expired.txt")),
            "expired.txt",
            ExpiredTarget
        );
        using var exporter = ExporterProcess.Start(job, store.Loopback is null);
        Introduce(folder, given, store, broker, exporter);
        var output = await exporter.ReadAsync(stopping);
        await broker.StopAsync();

        string[] errors =
        [
            .. output.ErrorLines,
            .. output.ExitCode == 0
                ? Array.Empty<string>()
                : [$"The exporter ended with exit code {output.ExitCode}."],
        ];
        var files = EvidenceFolder.List(folder).Files;
        var receipts = output
            .Lines.Select(ReceiptLine.Parse)
            .ToDictionary(receipt => receipt.ArtifactName, StringComparer.Ordinal);
        Report(files, receipts, errors);
        var isRefused = ReportExpired(store, job.PresignedUrl, errors);
        var isRetried = ReportRetry(store, receipts.Values);
        var isAsked = ReportGrants(broker, receipts.Count);
        var audit = new Audit(store, file => keyOf(file.Name));
        var isEqual = await audit.RunAsync(files, receipts, stopping);
        return isRefused && isRetried && isAsked && isEqual ? 0 : 1;
    }

    /// <summary>The first PUT of all shows what a busy store does.</summary>
    private static void RefuseFirst(Store store)
    {
        if (store.Loopback is not { } loopback)
            return;
        var puts = 0;
        loopback.OnAttempt = _ =>
            Interlocked.Increment(ref puts) == 1
                ? Fault.Status(503, "SlowDown", "Please reduce your request rate.")
                : null;
    }

    private static void Introduce(
        string folder,
        EvidenceFolder? given,
        Store store,
        BrokerProcess broker,
        ExporterProcess exporter
    )
    {
        var links = given?.LinksPassedOver switch
        {
            null or 0 => "",
            1 => "; 1 symbolic link left out",
            var many => $"; {many} symbolic links left out",
        };
        var where = store.Loopback is null ? "" : " (an S3 of our own, on the loopback, in memory)";
        var content = given is null
            ? "empty; the cell writes its evidence once the broker runs"
            : $"{Count(given.Files.Count)}, {given.Bytes:N0} bytes{links}";
        Console.WriteLine(
            $"""
            Endpoint  {store.Settings.Endpoint.GetLeftPart(
                UriPartial.Authority
            )}, bucket {store.Settings.Bucket}{where}
            Folder    {Table.Printable(folder)}: {content}
            Broker    process {broker.Id}, samples/Broker: it has the keys, and gives URLs on a Unix socket
            Exporter  process {exporter.Id}: it has the broker's address and a token; no key, no manifest, no list of files

            """
        );
    }

    /// <summary>Prints the table for people, the receipts for programs, and what went wrong.</summary>
    private static void Report(
        IReadOnlyList<EvidenceFile> files,
        Dictionary<string, ReceiptLine> receipts,
        string[] errors
    )
    {
        var exported = files
            .Select(file => receipts.GetValueOrDefault(file.Name))
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

        foreach (var error in errors.Where(error => !IsOfExpired(error)))
            Console.WriteLine($"The exporter reports: {Table.Printable(error)}");
        if (errors.Length > 1)
            Console.WriteLine();
    }

    /// <summary>Prints whether the URL that had expired was refused; true if nothing was sent.</summary>
    private static bool ReportExpired(Store store, string url, string[] errors)
    {
        Console.WriteLine("A URL that had expired an hour ago; the operator reads:");
        var message = errors.FirstOrDefault(IsOfExpired);
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

    /// <summary>Prints whether the 503 was retried; true if it was, or if there was none.</summary>
    private static bool ReportRetry(Store store, IEnumerable<ReceiptLine> receipts)
    {
        if (store.Loopback is null)
        {
            Console.WriteLine("No fault was injected: that takes the S3 on the loopback.");
            return true;
        }
        var retried = receipts.Where(receipt => receipt.Attempts == 2).ToArray();
        Console.WriteLine(
            retried is [var receipt]
                ? $"The first PUT of all, of {Table.Printable(receipt.ArtifactName)}, was answered 503 SlowDown; its receipt counts 2 attempts."
                : $"The first PUT of all was answered 503 SlowDown; {retried.Length} receipts count 2 attempts, which is wrong."
        );
        return retried.Length == 1;
    }

    /// <summary>Prints the broker's side; true if every receipt has a URL of the broker.</summary>
    private static bool ReportGrants(BrokerProcess broker, int receipts)
    {
        var grants = broker.Grants;
        Console.WriteLine(
            $"The broker gave {Count(grants.Count, "URL")}, each when its artifact was exported. The first line of its log:"
        );
        Console.WriteLine($"  {Table.Printable(grants.Count > 0 ? grants[0] : "nothing, which is wrong")}");
        return grants.Count >= receipts;
    }

    private static bool IsOfExpired(string error) =>
        error.StartsWith($"{ExpiredTarget}: ", StringComparison.Ordinal);

    private static string Count(int count, string what = "file") =>
        count == 1 ? $"1 {what}" : $"{count:N0} {what}s";
}
