using ConfiguredExport;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

// A service whose targets are in its appsettings.json. It exports the report of one cell, and ends:
// ConfiguredExport --CellId=cell-7 --Report=out/report.json
var builder = Host.CreateApplicationBuilder(
    new HostApplicationBuilderSettings { Args = args, ContentRootPath = AppContext.BaseDirectory }
);

// <doc>
var cellId = builder.Configuration.GetRequiredSection("CellId").Value!;
builder.Services.AddS3ExportSinks(builder.Configuration, cellId);
builder.Services.AddHostedService<ReportExporter>();

// </doc>

await builder.Build().RunAsync();
return Environment.ExitCode;
