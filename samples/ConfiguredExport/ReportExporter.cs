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
        Environment.ExitCode = 1; // a host that is stopped, or whose service throws, ends with this
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

        lifetime.StopApplication();
    }
}
// </doc>
