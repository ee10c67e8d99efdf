using System.Net.Http.Json;
using CellOS.Export.S3;
using Microsoft.Extensions.DependencyInjection;

namespace Recipes;

internal static class BrokerRecipe
{
    internal static void Add(IServiceCollection services, S3ExportSpec spec, string cellId)
    {
        // <doc>
        services.AddHttpClient("broker", client => client.BaseAddress = new Uri("https://broker.example/"));
        services.AddS3ExportSinks(
            spec,
            cellId,
            presignedUrlProvider: async (provider, request, cancellationToken) =>
            {
                var broker = provider.GetRequiredService<IHttpClientFactory>().CreateClient("broker");
                var wanted = new
                {
                    request.Bucket,
                    request.Key, // as it is; the broker percent-encodes it
                    SignedHeaders = request.Headers.Keys,
                };
                using var answer = await broker.PostAsJsonAsync("presign-put", wanted, cancellationToken);
                answer.EnsureSuccessStatusCode();
                return await answer.Content.ReadAsStringAsync(cancellationToken);
            }
        );
        // </doc>
    }
}
