using CellOS.Export.S3;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Recipes;

internal static class OptionsRecipe
{
    internal static void Register(IServiceCollection services, IConfiguration configuration)
    {
        // <doc>
        services
            .AddPresignedS3ExportSink("artifact-bucket") // the key of the IExportSink
            .Bind(configuration.GetSection("Evidence"));
        services.Configure<PresignedS3ExportSinkOptions>(
            "artifact-bucket",
            options => options.Deadline = TimeSpan.FromMinutes(2)
        );
        // </doc>
    }
}
