using CellOS.Export;
using CellOS.Export.S3;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the sinks of a cell in a host.</summary>
public static class S3ExportServiceCollectionExtensions
{
    /// <summary>The name of the <see cref="HttpClient"/> that the sinks send with.</summary>
    public const string HttpClientName = "CellOS.Export.S3";

    /// <summary>
    /// Registers the sinks of a spec's S3 targets: each as a keyed singleton <see cref="IExportSink"/> under its
    /// target's name (<c>[FromKeyedServices("artifact-bucket")]</c>), and all of them as <see cref="S3ExportSinks"/>.
    /// Spec and environment are validated when the host starts, or at the first use where there is no host; warnings
    /// are logged then. An <see cref="IExportSinkFactory"/> makes the sinks of other cells. A keyed sink that no target has is
    /// refused, with the names that there are. <see cref="TimeProvider"/> and <see cref="ILoggerFactory"/> are the container's, if it has them.
    /// </summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="spec">What goes where.</param>
    /// <param name="cellId">
    /// The cell whose evidence this is: one path segment, at most 255 UTF-8 bytes. If null, the spec's
    /// <see cref="S3ExportSpec.Id"/>; another one than that is refused.
    /// </param>
    /// <param name="environment">Names and values of variables; those of this process, as they are at the start, if null.</param>
    /// <param name="presignedUrlProvider">
    /// A presigning broker, for every target that the environment gives no URL and no manifest: see
    /// <see cref="PresignedS3ExportSinkOptions.PresignedUrlProvider"/>. It gets the services of the root container (a
    /// broker that is scoped needs a scope of its own for each call), and gets the name of the target. What the
    /// environment says of a target counts more, the legacy variable among it: it is the operator's word on this one.
    /// If null, the container's <see cref="IPresignedUrlProvider"/> takes its place, if it has one.
    /// </param>
    /// <returns>
    /// The builder of the client that the sinks send with. A handler that is added to it must not follow redirects,
    /// retry, or add headers: a signature is for one host and certain headers. Default headers of the client, and a
    /// timeout that is shorter than the request timeout, are refused when the host starts. What the host sets for all
    /// its clients (<c>ConfigureHttpClientDefaults</c>: headers, timeout, handlers such as those that retry) does not
    /// hold for this one. The factory's own logging is off, since it would print the URLs.
    /// </returns>
    /// <exception cref="InvalidOperationException">It was called on these services before.</exception>
    public static IHttpClientBuilder AddS3ExportSinks(
        this IServiceCollection services,
        S3ExportSpec spec,
        string? cellId = null,
        IReadOnlyDictionary<string, string?>? environment = null,
        Func<
            IServiceProvider,
            PresignedUrlRequest,
            CancellationToken,
            ValueTask<string>
        >? presignedUrlProvider = null
    )
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(spec);
        return SinkRegistration.AddS3(
            services,
            spec,
            cellId ?? spec.Id ?? throw CoreMapping.UnknownCell(nameof(cellId)),
            () => environment,
            presignedUrlProvider
        );
    }

    /// <summary>
    /// Registers the sinks of the targets that the host's configuration lists, <c>appsettings.json</c> for example,
    /// below <c>export</c>, with the settings beside them and the variables in that configuration: see
    /// <see cref="S3ExportSpec.FromConfiguration"/> and <see cref="S3ExportConfiguration.ReadVariables"/>. All else is as
    /// <see cref="AddS3ExportSinks(IServiceCollection, S3ExportSpec, string, IReadOnlyDictionary{string, string}, Func{IServiceProvider, PresignedUrlRequest, CancellationToken, ValueTask{string}})"/>
    /// says. Targets are read now, variables when the host starts; later changes of the configuration do not count.
    /// </summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="configuration">
    /// The host's whole configuration, or its section <c>export</c>. Of a section, the variables are those of this process.
    /// </param>
    /// <param name="cellId">
    /// The cell whose evidence this is: one path segment, at most 255 UTF-8 bytes. If null, <c>Export:CellId</c>; another one
    /// than that is refused.
    /// </param>
    /// <param name="presignedUrlProvider">A presigning broker, for every target that the configuration gives no URL and no manifest; none if null.</param>
    /// <returns>The builder of the client that the sinks send with.</returns>
    /// <exception cref="S3ExportConfigurationException">The configuration lists no targets, or something is wrong with them; the exception lists all of it.</exception>
    /// <exception cref="ArgumentException">Neither <paramref name="cellId"/> nor <c>Export:CellId</c> is given.</exception>
    /// <exception cref="InvalidOperationException">It was called on these services before.</exception>
    public static IHttpClientBuilder AddS3ExportSinks(
        this IServiceCollection services,
        IConfiguration configuration,
        string? cellId = null,
        Func<
            IServiceProvider,
            PresignedUrlRequest,
            CancellationToken,
            ValueTask<string>
        >? presignedUrlProvider = null
    )
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        var spec = S3ExportSpec.FromConfiguration(configuration);
        return SinkRegistration.AddS3(
            services,
            spec,
            cellId ?? spec.Id ?? throw CoreMapping.UnknownCell(nameof(cellId)),
            () => S3ExportConfiguration.ReadVariables(configuration),
            presignedUrlProvider
        );
    }

    /// <summary>
    /// Registers the sinks of a spec's targets of all kinds: each as a keyed singleton <see cref="IExportSink"/> under its
    /// target's name, the default sink (<see cref="ExportSinks.Default"/>) without a key, and all of them as
    /// <see cref="ExportSinks"/>. All else is as
    /// <see cref="AddS3ExportSinks(IServiceCollection, S3ExportSpec, string, IReadOnlyDictionary{string, string}, Func{IServiceProvider, PresignedUrlRequest, CancellationToken, ValueTask{string}})"/>
    /// says; the client is that of the S3 sinks.
    /// </summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="spec">What goes where.</param>
    /// <param name="cellId">
    /// The cell whose evidence this is: one path segment, at most 255 UTF-8 bytes. If null, the spec's
    /// <see cref="ExportSpec.Id"/>; another one than that is refused.
    /// </param>
    /// <param name="environment">Names and values of variables; those of this process, as they are at the start, if null.</param>
    /// <returns>The builder of the client that the S3 sinks send with.</returns>
    /// <exception cref="InvalidOperationException">It, or AddS3ExportSinks, was called on these services before.</exception>
    public static IHttpClientBuilder AddExportSinks(
        this IServiceCollection services,
        ExportSpec spec,
        string? cellId = null,
        IReadOnlyDictionary<string, string?>? environment = null
    )
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(spec);
        return SinkRegistration.AddAll(
            services,
            spec,
            cellId ?? spec.Id ?? throw CoreMapping.UnknownCell(nameof(cellId)),
            () => environment
        );
    }

    /// <summary>
    /// The same for the targets that the host's configuration lists below <c>export</c>, with the variables in that
    /// configuration.
    /// </summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="configuration">
    /// The host's whole configuration, or its section <c>export</c>. Of a section, the variables are those of this process.
    /// </param>
    /// <param name="cellId">
    /// The cell whose evidence this is: one path segment, at most 255 UTF-8 bytes. If null, <c>Export:CellId</c>; another one
    /// than that is refused.
    /// </param>
    /// <returns>The builder of the client that the S3 sinks send with.</returns>
    /// <exception cref="S3ExportConfigurationException">Something is wrong with the targets; the exception lists all of it.</exception>
    /// <exception cref="ArgumentException">Neither <paramref name="cellId"/> nor <c>Export:CellId</c> is given.</exception>
    /// <exception cref="InvalidOperationException">It, or AddS3ExportSinks, was called on these services before.</exception>
    public static IHttpClientBuilder AddExportSinks(
        this IServiceCollection services,
        IConfiguration configuration,
        string? cellId = null
    )
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        var spec = ExportSpec.FromConfiguration(configuration);
        return SinkRegistration.AddAll(
            services,
            spec,
            cellId ?? spec.Id ?? throw CoreMapping.UnknownCell(nameof(cellId)),
            () => S3ExportConfiguration.ReadVariables(configuration)
        );
    }

    /// <summary>
    /// Registers an <see cref="IExportSinkFactory"/> for a service that exports for many cells: it makes the sinks of a cell, of all
    /// kinds, which share the connections of all others. Spec and environment are validated when the host starts, or at the
    /// first use where there is no host. All else is as
    /// <see cref="AddExportSinks(IServiceCollection, ExportSpec, string, IReadOnlyDictionary{string, string})"/> says, which
    /// registers the factory as well.
    /// </summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="spec">What goes where. If it names a cell, the factory makes sinks for that cell only.</param>
    /// <param name="environment">Names and values of variables; those of this process, as they are at the start, if null.</param>
    /// <returns>The builder of the client that the S3 sinks send with.</returns>
    /// <exception cref="InvalidOperationException">It, or a method that adds the sinks of a cell, was called on these services before.</exception>
    public static IHttpClientBuilder AddExportSinkFactory(
        this IServiceCollection services,
        ExportSpec spec,
        IReadOnlyDictionary<string, string?>? environment = null
    )
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(spec);
        return SinkRegistration.AddFactory(services, spec, () => environment);
    }

    /// <summary>
    /// The same for the targets that the host's configuration lists below <c>export</c>, with the settings beside them and the
    /// variables in that configuration.
    /// </summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="configuration">
    /// The host's whole configuration, or its section <c>export</c>. Of a section, the variables are those of this process.
    /// </param>
    /// <returns>The builder of the client that the S3 sinks send with.</returns>
    /// <exception cref="S3ExportConfigurationException">Something is wrong with the targets; the exception lists all of it.</exception>
    /// <exception cref="InvalidOperationException">It, or a method that adds the sinks of a cell, was called on these services before.</exception>
    public static IHttpClientBuilder AddExportSinkFactory(
        this IServiceCollection services,
        IConfiguration configuration
    )
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        return SinkRegistration.AddFactory(
            services,
            ExportSpec.FromConfiguration(configuration),
            () => S3ExportConfiguration.ReadVariables(configuration)
        );
    }
}
