package konsil.fhirserver;

import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.provider.IJpaSystemProvider;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.server.IncomingRequestAddressStrategy;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.eclipse.jetty.ee10.servlet.FilterHolder;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

import java.io.IOException;
import java.util.EnumSet;

/**
 * Use: {@code java -jar fhir-server.jar [--port N]}; 0 takes a free port. Base URL: {@code /fhir}.
 *
 * Prints {@code READY http://127.0.0.1:PORT/fhir} once it answers. Everything is in memory. Every request but
 * {@code /fhir/metadata} needs a bearer token, whatever it says, so that a client that forgets it is found out.
 */
public final class Main {
    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(option(args, "--port", "8180"));
        AnnotationConfigApplicationContext spring = new AnnotationConfigApplicationContext(ServerConfig.class);

        Server jetty = new Server();
        ServerConnector connector = new ServerConnector(jetty);
        connector.setHost("127.0.0.1");
        connector.setPort(port);
        jetty.addConnector(connector);
        ServletContextHandler web = new ServletContextHandler("/");
        web.addFilter(new FilterHolder(new BearerFilter()), "/fhir/*", EnumSet.of(DispatcherType.REQUEST));
        web.addServlet(new ServletHolder(fhir(spring)), "/fhir/*");
        jetty.setHandler(web);
        jetty.start();
        System.out.println("READY http://127.0.0.1:" + connector.getLocalPort() + "/fhir");
        jetty.join();
    }

    private static RestfulServer fhir(AnnotationConfigApplicationContext spring) {
        IFhirSystemDao<?, ?> system = spring.getBean(IFhirSystemDao.class);
        RestfulServer server = new RestfulServer(system.getContext());
        server.registerProviders(spring.getBean(ResourceProviderFactory.class).createProviders());
        server.registerProvider(spring.getBean(IJpaSystemProvider.class));
        server.setServerConformanceProvider(new JpaCapabilityStatementProvider(
                server,
                system,
                spring.getBean(JpaStorageSettings.class),
                spring.getBean(ISearchParamRegistry.class),
                spring.getBean(IValidationSupport.class)));
        server.setPagingProvider(spring.getBean(DatabaseBackedPagingProvider.class));
        server.setServerAddressStrategy(new IncomingRequestAddressStrategy());
        server.setDefaultResponseEncoding(EncodingEnum.JSON);
        return server;
    }

    private static String option(String[] args, String name, String fallback) {
        for (int i = 0; i + 1 < args.length; i++) {
            if (args[i].equals(name)) return args[i + 1];
        }
        return fallback;
    }

    private static final class BearerFilter extends HttpFilter {
        @Override
        protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws IOException, ServletException {
            String given = request.getHeader("Authorization");
            boolean open = request.getRequestURI().endsWith("/metadata");
            if (open || (given != null && given.startsWith("Bearer ") && given.length() > "Bearer ".length())) {
                chain.doFilter(request, response);
            } else {
                response.setHeader("WWW-Authenticate", "Bearer error=\"invalid_token\"");
                response.sendError(HttpServletResponse.SC_UNAUTHORIZED);
            }
        }
    }

    private Main() {}
}
