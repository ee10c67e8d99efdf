// A service whose targets are in its appsettings.json. It exports the report of one cell, and ends.

// <doc>
using ConfiguredExport;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

var builder = Host.CreateApplicationBuilder(args);
builder.Services.AddS3ExportSinks(builder.Configuration); // the cell is Export:CellId
builder.Services.AddHostedService<ReportExporter>();
await builder.Build().RunAsync();
return Environment.ExitCode;
// </doc>
