// A service whose targets are in its appsettings.json. It exports the report of one cell, and ends.

// <doc>
using ConfiguredExport;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

var builder = Host.CreateApplicationBuilder(args);
var cellId = builder.Configuration.GetRequiredSection("CellId").Value!;
builder.Services.AddS3ExportSinks(builder.Configuration, cellId);
builder.Services.AddHostedService<ReportExporter>();
await builder.Build().RunAsync();
return Environment.ExitCode;
// </doc>
