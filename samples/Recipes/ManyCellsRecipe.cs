using CellOS.Export;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Recipes;

internal static class ManyCellsRecipe
{
    internal static void Register(IServiceCollection services, IConfiguration configuration) =>
        services.AddExportSinkFactory(configuration);

    internal static async Task ExportAsync(
        IExportSinkFactory factory,
        string cellId,
        IEnumerable<ExportArtifact> artifacts
    )
    {
        // <doc>
        using var sinks = factory.Create(cellId); // from the container; throws if a URL is for another cell
        await foreach (var result in sinks["artifact-bucket"].PushManyAsync(artifacts))
            Console.WriteLine(result.ToJson());
        // </doc>
    }
}
