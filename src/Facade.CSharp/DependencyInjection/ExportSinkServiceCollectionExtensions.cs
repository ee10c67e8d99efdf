using System.Diagnostics.CodeAnalysis;
using CellOS.Export;
using CellOS.Export.S3;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers single sinks in a host, each with options of its own.</summary>
/// <remarks>
/// Each method registers a keyed singleton <see cref="IExportSink"/> under the name of its target
/// (<c>[FromKeyedServices("artifact-bucket")]</c>). Its options have the same name: set them with the builder that is returned,
/// with <c>services.Configure&lt;PresignedS3ExportSinkOptions&gt;("artifact-bucket", …)</c>, or bind them to a section of
/// the configuration. The host validates them when it starts, or at the first use where there is no host, and reports all
/// that is wrong in one <see cref="OptionsValidationException"/>. The sink is made at its first use; later changes of the
/// options are ignored. <see cref="TimeProvider"/> and <see cref="ILoggerFactory"/> are the container's, if it has them.
/// No environment variable is read, except those of proxies.
/// </remarks>
public static class ExportSinkServiceCollectionExtensions
{
    /// <summary>Registers a <see cref="PresignedS3ExportSink"/>.</summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="targetName">
    /// The name of the target, of the sink and of its options; <see cref="PresignedS3ExportSinkOptions.TargetName"/> if that
    /// is not set.
    /// </param>
    /// <returns>The builder of the options: <c>Configure(…)</c>, <c>Bind(section)</c> or <c>BindConfiguration(path)</c>.</returns>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public static OptionsBuilder<PresignedS3ExportSinkOptions> AddPresignedS3ExportSink(
        this IServiceCollection services,
        string targetName
    ) =>
        Add<PresignedS3ExportSinkOptions>(
            services,
            targetName,
            options => options.TargetName ??= targetName,
            options => new SinkDraft(options, null).Problems,
            (options, time, loggers) =>
                new PresignedS3ExportSink(options, time, loggers?.CreateLogger<PresignedS3ExportSink>())
        );

    /// <summary>Registers an <see cref="HttpExportSink"/>.</summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="targetName">
    /// The name of the target, of the sink and of its options; <see cref="HttpExportSinkOptions.TargetName"/> if that is not
    /// set.
    /// </param>
    /// <inheritdoc cref="AddPresignedS3ExportSink" path="/returns" />
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public static OptionsBuilder<HttpExportSinkOptions> AddHttpExportSink(
        this IServiceCollection services,
        string targetName
    ) =>
        Add<HttpExportSinkOptions>(
            services,
            targetName,
            options => options.TargetName ??= targetName,
            options => new HttpSinkDraft(options, null).Problems,
            (options, time, loggers) =>
                new HttpExportSink(options, time, loggers?.CreateLogger<HttpExportSink>())
        );

    /// <summary>Registers a <see cref="LocalExportSink"/>. It needs Linux.</summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="targetName">
    /// The name of the target, of the sink and of its options; <see cref="LocalExportSinkOptions.TargetName"/> if that is not
    /// set.
    /// </param>
    /// <inheritdoc cref="AddPresignedS3ExportSink" path="/returns" />
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public static OptionsBuilder<LocalExportSinkOptions> AddLocalExportSink(
        this IServiceCollection services,
        string targetName
    ) =>
        Add<LocalExportSinkOptions>(
            services,
            targetName,
            options => options.TargetName ??= targetName,
            options => LocalExportSink.Check(options).Problems,
            (options, time, loggers) =>
                new LocalExportSink(options, time, loggers?.CreateLogger<LocalExportSink>())
        );

    private static OptionsBuilder<T> Add<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] T
    >(
        IServiceCollection services,
        string targetName,
        Action<T> named,
        Func<T, IReadOnlyList<string>> problems,
        Func<T, TimeProvider?, ILoggerFactory?, IExportSink> create
    )
        where T : class
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(targetName);
        SinkRegistration.RefuseUnknownNames(services);
        services.AddSingleton<IValidateOptions<T>>(new SinkOptionsValidation<T>(targetName, problems));
        services.AddKeyedSingleton(
            targetName,
            (provider, _) =>
                create(
                    provider.GetRequiredService<IOptionsMonitor<T>>().Get(targetName),
                    provider.GetService<TimeProvider>(),
                    provider.GetService<ILoggerFactory>()
                )
        );
        return services.AddOptions<T>(targetName).PostConfigure(named).ValidateOnStart();
    }
}
