using CellOS.Export;
using CellOS.Export.S3;

namespace Quickstart;

/// <summary>The role without keys: it has presigned URLs and the facade.</summary>
internal static class Exporter
{
    private const int AtOnce = 4;

    internal static async Task<int> RunAsync(CancellationToken stopping)
    {
        if (Job.Forbidden().FirstOrDefault() is { } name)
            throw new UsageException($"The exporter was given {name}; it must not hold keys.");
        await Parallel.ForEachAsync(
            Job.ReadAll(),
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stopping },
            async (job, cancellation) => await ExportAsync(job, cancellation)
        );
        return 0;
    }

    private static async Task ExportAsync(Job job, CancellationToken cancellation)
    {
        try
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
                var receipt = await sink.PushAsync(job.Artifact, job.Path, cancellationToken: cancellation);
                Console.WriteLine(receipt.ToJson());
            }
            catch (ExportException failure)
            {
                Console.Error.WriteLine($"{job.Target}: {failure.Kind}: {failure.Message}");
            }
            // </readme>
        }
        catch (ArgumentException refusal)
        {
            Console.Error.WriteLine($"{job.Target}: Refused by the library: {refusal.Message}");
        }
    }
}
