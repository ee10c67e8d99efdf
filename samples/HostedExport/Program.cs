using CellOS.Export.S3;
using HostedExport;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

// A host that exports a folder of evidence and ends: HostedExport CELL_YAML CELL_ID FOLDER
if (args is not [var specFile, var cellId, var folder])
{
    Console.Error.WriteLine("usage: HostedExport CELL_YAML CELL_ID FOLDER");
    return 2;
}

var builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Services.AddSingleton(new Evidence(folder));

// <readme>
builder.Services.AddS3ExportSinks(S3ExportSpec.Load(specFile), cellId);
builder.Services.AddHostedService<EvidenceExporter>();

// </readme>

await builder.Build().RunAsync();
return Environment.ExitCode;
