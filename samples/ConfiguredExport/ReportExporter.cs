// <doc>
using CellOS.Export;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace ConfiguredExport;

internal sealed class ReportExporter(
    [FromKeyedServices("artifact-bucket")] IExportSink sink,
    IConfiguration configuration,
    IHostApplicationLifetime lifetime
) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Environment.ExitCode = 1; // until there is a receipt: also if this throws, or is stopped
        try
        {
            var path = configuration.GetRequiredSection("Report").Value!;
            var receipt = await sink.PushAsync("report.json", path, cancellationToken: stoppingToken);
            Console.WriteLine(receipt.ToJson());
            Environment.ExitCode = 0;
        }
        catch (ExportException failure)
        {
            Console.Error.WriteLine(failure.Message); // says what to do, and holds no secret
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            Console.Error.WriteLine("Stopped: report.json has no receipt.");
        }

        lifetime.StopApplication();
    }
}
// </doc>
