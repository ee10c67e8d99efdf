using CellOS.Export;
using CellOS.Export.S3;
using Microsoft.Extensions.Hosting;

namespace HostedExport;

/// <summary>The folder whose files are exported.</summary>
internal sealed record Evidence(string Folder)
{
    internal IEnumerable<ExportArtifact> Artifacts() =>
        Directory
            .EnumerateFiles(Folder, "*", SearchOption.AllDirectories)
            .Select(path => new ExportArtifact(
                Path.GetRelativePath(Folder, path).Replace(Path.DirectorySeparatorChar, '/'),
                path
            ));
}

/// <summary>Exports once, and ends the host.</summary>
internal sealed class EvidenceExporter(
    Evidence evidence,
    S3ExportSinks sinks,
    IHostApplicationLifetime lifetime
) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var artifacts = evidence.Artifacts();

            // <readme>
            var options = new ExportBatchOptions { MaxConcurrency = 8 };
            await foreach (
                var result in sinks["artifact-bucket"].PushManyAsync(artifacts, options, stoppingToken)
            )
            {
                Console.WriteLine(result.ToJson());
                if (!result.IsExported)
                    Environment.ExitCode = 1;
            }
            // </readme>
        }
        catch (Exception)
        {
            // The host ends in peace when its service throws, and as it should when it is stopped before the end.
            Environment.ExitCode = 1;
            throw;
        }

        lifetime.StopApplication();
    }
}
