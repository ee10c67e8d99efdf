using CellOS.Export.S3.Core;
using CellOS.Export.S3.Urls;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ScopedUrlProvider = System.Func<
    System.IServiceProvider,
    CellOS.Export.S3.PresignedUrlRequest,
    System.Threading.CancellationToken,
    System.Threading.Tasks.ValueTask<string>
>;

namespace CellOS.Export.S3;

/// <summary>Registers the sinks of a spec, and what makes them.</summary>
internal static class SinkRegistration
{
    internal static IHttpClientBuilder AddAll(
        IServiceCollection services,
        ExportSpec spec,
        string cellId,
        Func<IReadOnlyDictionary<string, string?>?> environment
    )
    {
        var client = AddStartup(services, spec.Route, cellId, environment, null);
        RefuseUnknownNames(services);
        services.TryAddSingleton(provider => Validated(provider).CreateAllSinks(Clients(provider)));
        foreach (var target in spec.TargetNames)
            services.AddKeyedSingleton(
                target,
                (provider, _) => provider.GetRequiredService<ExportSinks>()[target]
            );
        services.AddSingleton(provider =>
            provider.GetRequiredService<ExportSinks>().Default
            ?? throw new InvalidOperationException(
                "There is no default sink. Set CELLOS_EXPORT_DIR or CELLOS_EXPORT_HTTP_BASE_URL, or ask for a sink by the name of its target."
            )
        );
        return client;
    }

    internal static IHttpClientBuilder AddS3(
        IServiceCollection services,
        S3ExportSpec spec,
        string cellId,
        Func<IReadOnlyDictionary<string, string?>?> environment,
        ScopedUrlProvider? presignedUrlProvider
    )
    {
        var client = AddStartup(services, _ => spec, cellId, environment, presignedUrlProvider);
        RefuseUnknownNames(services);
        services.TryAddSingleton(provider => Validated(provider).CreateSinks(Clients(provider)));
        foreach (var target in spec.Targets)
            services.AddKeyedSingleton<IExportSink>(
                target.Name,
                (provider, _) => provider.GetRequiredService<S3ExportSinks>()[target.Name]
            );

        return client;
    }

    internal static IHttpClientBuilder AddFactory(
        IServiceCollection services,
        ExportSpec spec,
        Func<IReadOnlyDictionary<string, string?>?> environment
    )
    {
        RefuseUnknownNames(services);
        return AddStartup(services, spec.Route, null, environment, null);
    }

    /// <summary>
    /// Registers what is asked for where no sink has the name that a service asks for. .NET would say that it cannot resolve an
    /// <see cref="IExportSink"/>, and no more.
    /// </summary>
    internal static void RefuseUnknownNames(IServiceCollection services)
    {
        if (services.Any(service => IsKeyedSink(service) && service.ServiceKey == KeyedService.AnyKey))
            return;

        services.AddKeyedSingleton<IExportSink>(
            KeyedService.AnyKey,
            (_, key) =>
                throw new InvalidOperationException(
                    NameList.Missing(
                        "export sink",
                        services.Where(IsKeyedSink).Select(service => service.ServiceKey).OfType<string>(),
                        key?.ToString() ?? ""
                    )
                )
        );
    }

    private static bool IsKeyedSink(ServiceDescriptor service) =>
        service.IsKeyedService && service.ServiceType == typeof(IExportSink);

    /// <summary>What has been validated, also where no host has asked for it.</summary>
    private static S3ExportStartup Validated(IServiceProvider provider)
    {
        _ = provider.GetRequiredService<IOptions<S3ExportStartup.Check>>().Value;
        return provider.GetRequiredService<S3ExportStartup>();
    }

    private static Func<HttpMessageInvoker> Clients(IServiceProvider provider)
    {
        var clients = provider.GetRequiredService<IHttpClientFactory>();
        return () => clients.CreateClient(S3ExportServiceCollectionExtensions.HttpClientName);
    }

    private static IHttpClientBuilder AddStartup(
        IServiceCollection services,
        Func<IReadOnlyDictionary<string, string?>?, S3ExportSpec> spec,
        string? cellId,
        Func<IReadOnlyDictionary<string, string?>?> environment,
        ScopedUrlProvider? presignedUrlProvider
    )
    {
        if (services.Any(service => service.ServiceType == typeof(S3ExportStartup)))
            throw new InvalidOperationException(
                "AddS3ExportSinks, AddExportSinks or AddExportSinkFactory was called before: a container holds the sinks of one cell. Make the sinks of other cells with its IExportSinkFactory."
            );

        services.AddSingleton(provider => new S3ExportStartup(
            spec,
            cellId,
            environment,
            provider.GetService<TimeProvider>(),
            provider.GetService<ILoggerFactory>(),
            presignedUrlProvider is null
                ? provider.GetService<IPresignedUrlProvider>()
                : new DelegateUrlProvider(
                    (request, cancellation) => presignedUrlProvider(provider, request, cancellation)
                )
        ));
        services.TryAddSingleton<IExportSinkFactory>(provider => new ExportSinkFactory(
            Validated(provider),
            Clients(provider),
            provider.GetService<TimeProvider>()
        ));
        services.AddSingleton<IValidateOptions<S3ExportStartup.Check>, S3ExportStartup.Validation>();
        services.AddOptions<S3ExportStartup.Check>().ValidateOnStart();

        return services
            .AddHttpClient(S3ExportServiceCollectionExtensions.HttpClientName)
            // What a host sets for all its clients (ConfigureHttpClientDefaults) is not meant for signed requests.
            .ConfigureHttpClient(client =>
            {
                client.Timeout = Timeout.InfiniteTimeSpan;
                client.DefaultRequestHeaders.Clear();
            })
            .ConfigureAdditionalHttpMessageHandlers((handlers, _) => handlers.Clear())
            .ConfigurePrimaryHttpMessageHandler(provider =>
                provider.GetRequiredService<S3ExportStartup>().CreateHandler()
            )
            // The handler renews its connections by itself.
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .RemoveAllLoggers();
    }
}
