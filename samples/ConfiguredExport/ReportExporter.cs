using CellOS.Export;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace ConfiguredExport;

// <doc>
internal sealed class ReportExporter(
    [FromKeyedServices("artifact-bucket")] IExportSink sink,
    IConfiguration configuration,
    IHostApplicationLifetime lifetime
) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var path = configuration.GetRequiredSection("Report").Value!;
            var receipt = await sink.PushAsync("report.json", path, cancellationToken: stoppingToken);
            Console.WriteLine(receipt.ToJson());
        }
        catch (ExportException failure)
        {
            Console.Error.WriteLine(failure.Message); // says what to do, and holds no secret
            Environment.ExitCode = 1;
        }

        lifetime.StopApplication();
    }
}
// </doc>
