using CellOS.Export;
using CellOS.Export.S3;

namespace Quickstart;

/// <summary>The role without keys: it has the address of a broker, and the facade.</summary>
internal static class Exporter
{
    private const int AtOnce = 4;

    internal static async Task<int> RunAsync(CancellationToken stopping)
    {
        if (Job.Forbidden() is { Count: > 0 } names)
            throw new UsageException(
                $"The exporter was given {string.Join(", ", names)}; it must not hold keys."
            );
        var job = Job.Read();
        if (job.WritesEvidence)
            EvidenceBundle.Write(job.Folder);
        var files = EvidenceFolder.List(job.Folder).Files;
        await ExportExpiredAsync(job, files[0].Info.FullName, stopping);

        using var sink = MakeSink(job);
        await Parallel.ForEachAsync(
            files,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stopping },
            async (file, cancellation) => await ExportAsync(sink, file, cancellation)
        );
        return 0;
    }

    /// <summary>Makes the sink for all files of the folder: the broker gives each its URL when it is exported.</summary>
    private static PresignedS3ExportSink MakeSink(Job job)
    {
        // <doc>
        var options = new PresignedS3ExportSinkOptions
        {
            BrokerUrl = job.BrokerUrl, // such as unix:/run/cellos-broker/broker.sock
            BrokerTokenFile = job.BrokerTokenFile,
            BindDigest = true, // the store accepts this content only
            CellId = job.CellId,
            Bucket = job.Bucket,
            KeyPrefix = job.KeyPrefix,
            Region = job.Region,
        };
        return new PresignedS3ExportSink(options);
        // </doc>
    }

    private static async Task ExportAsync(
        PresignedS3ExportSink sink,
        EvidenceFile file,
        CancellationToken cancellation
    )
    {
        try
        {
            var receipt = await sink.PushAsync(
                file.Name,
                file.Info.FullName,
                cancellationToken: cancellation
            );
            Console.WriteLine(receipt.ToJson());
        }
        catch (Exception failure) when (failure is ExportException or ArgumentException)
        {
            var kind = (failure as ExportException)?.Kind.ToString() ?? "Refused by the library";
            Console.Error.WriteLine($"{Table.Printable(file.Name)}: {kind}: {failure.Message}");
        }
    }

    /// <summary>Exports one artifact with a presigned URL, which has expired.</summary>
    private static async Task ExportExpiredAsync(Job job, string path, CancellationToken cancellation)
    {
        // <readme>
        var options = new PresignedS3ExportSinkOptions
        {
            PresignedUrl = job.PresignedUrl, // the only credential, and for this one object
            CellId = job.CellId,
            Bucket = job.Bucket,
            KeyPrefix = job.KeyPrefix,
            TargetName = job.Target,
        };
        using var sink = new PresignedS3ExportSink(options);
        try
        {
            var receipt = await sink.PushAsync(job.Artifact, path, cancellationToken: cancellation);
            Console.WriteLine(receipt.ToJson());
        }
        catch (ExportException failure)
        {
            Console.Error.WriteLine($"{job.Target}: {failure.Kind}: {failure.Message}");
        }
        // </readme>
    }
}
